"""The chain of a journal's records: what is missing in it, and what somebody has changed."""

from __future__ import annotations

import sqlite3
from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Generic, TypeAlias, TypeVar

from scoring.journal.lookup import places_at, read_bases
from scoring.journal.reader import JournalReader
from scoring.journal.record import (
    CHALLENGE_COLUMNS,
    Bases,
    ChallengeRecord,
    DecisionRecord,
    challenge_record,
)
from scoring.journal.schema import JournalError, reading

_CHUNK = 1_000

Record = TypeVar("Record", DecisionRecord, ChallengeRecord)
Found: TypeAlias = tuple[dict[int, Record | None], dict[int, bytes]]
"""Records by sequence, None for one that cannot be read, and proofs by sequence."""


class Fault(StrEnum):
    """A fault at a place in the chain."""

    MISSING = "missing record"
    TAMPERED = "tampered record"


@dataclass(frozen=True, slots=True)
class Link(Generic[Record]):
    """A place in the chain."""

    sequence: int
    is_there: bool
    record: Record | None
    """None where there is none, or none that can be read."""
    previous: bytes | None
    """The proof of the record before; None if that is missing."""


class Chain:
    """The chains of decisions and of challenges in a journal."""

    def __init__(self, reader: JournalReader) -> None:
        self._reader = reader
        self._starts = reader.starts()
        self._erased = {name for name, _ in reader.erasures()}

    def decisions(self, sequences: Sequence[int]) -> Iterator[Link[DecisionRecord]]:
        """Return the decisions at these places, each given once and in rising order.

        Raises:
            JournalError: a segment cannot be read.
        """
        starts = [(path, first, proof) for path, first, proof, _, _ in self._starts]
        return _links(_decisions, starts, sequences)

    def challenges(self, sequences: Sequence[int]) -> Iterator[Link[ChallengeRecord]]:
        """Return the challenges at these places, as `decisions` does."""
        starts = [(path, first, proof) for path, _, _, first, proof in self._starts]
        return _links(_challenges, starts, sequences)

    def fault(self, link: Link[DecisionRecord] | Link[ChallengeRecord]) -> Fault | None:
        """Return the fault at a place; None if its seal holds.

        After a missing record the chain begins anew: there, only the payload can be checked.
        """
        if not link.is_there:
            return Fault.MISSING
        # Of values of another kind than a column's, a hash cannot be taken.
        with suppress(AttributeError, TypeError):
            record = link.record
            if record is not None and (not record.erased or self._is_known(record.decision_id)):
                sealed = record.is_whole if link.previous is None else record.is_sealed(link.previous)
                return None if sealed else Fault.TAMPERED
        return Fault.TAMPERED

    def _is_known(self, erased: str) -> bool:
        if erased not in self._erased:
            # It may have been erased since.
            self._erased = {name for name, _ in self._reader.erasures()}
        return erased in self._erased

    def proof_at(self, sequence: int) -> bytes | None:
        """Return the proof of the decision with that sequence, also of the last one that retention has removed."""
        _, first, before, _, _ = self._starts[0]
        if sequence == first - 1:
            return before
        return _proof_of(_decisions, sequence, [path for path, *_ in self._starts])


def _links(
    find: Callable[[sqlite3.Connection, Sequence[int]], Found[Record]],
    starts: list[tuple[Path, int, bytes]],
    sequences: Sequence[int],
) -> Iterator[Link[Record]]:
    firsts = [first for _, first, _ in starts]
    for number, (path, first, proof) in enumerate(starts):
        begin = bisect_left(sequences, first) if number else 0
        end = bisect_left(sequences, firsts[number + 1]) if number + 1 < len(starts) else len(sequences)
        if begin == end:
            continue
        before = _proof_of(find, first - 1, [path for path, _, _ in starts[:number]]) or proof
        with reading(path) as connection:
            for start in range(begin, end, _CHUNK):
                chunk: Sequence[int] = sequences[start : min(start + _CHUNK, end)]
                records, proofs = find(connection, sorted({*chunk, *(sequence - 1 for sequence in chunk)}))
                proofs = {first - 1: before, **proofs}
                for sequence in chunk:
                    is_there = sequence in records
                    yield Link(sequence, is_there, records.get(sequence), proofs.get(sequence - 1))


def _proof_of(
    find: Callable[[sqlite3.Connection, Sequence[int]], Found[Record]], sequence: int, paths: Sequence[Path]
) -> bytes | None:
    """Return the proof of a record in one of these segments; None if none has it."""
    for path in reversed(paths):
        with reading(path) as connection:
            _, proofs = find(connection, [sequence])
        if sequence in proofs:
            return proofs[sequence]
    return None


def _decisions(connection: sqlite3.Connection, sequences: Sequence[int]) -> Found[DecisionRecord]:
    bases = read_bases(connection)
    records: dict[int, DecisionRecord | None] = {}
    proofs: dict[int, bytes] = {}
    for batch, place in places_at(connection, sequences):
        records[place.sequence] = None
        proofs[place.sequence] = place.proof
        with suppress(JournalError):
            records[place.sequence] = batch.record(place, bases)
    return records, proofs


def _challenges(connection: sqlite3.Connection, sequences: Sequence[int]) -> Found[ChallengeRecord]:
    bases = read_bases(connection)
    marks = ", ".join("?" * len(sequences))
    query = f"SELECT {CHALLENGE_COLUMNS} FROM challenges WHERE sequence IN ({marks})"  # noqa: S608  # own words only
    rows = connection.execute(query, tuple(sequences)).fetchall()
    return {row[0]: _challenge(row, bases) for row in rows}, {row[0]: row[-1] for row in rows}


def _challenge(row: tuple[Any, ...], bases: Bases) -> ChallengeRecord | None:
    try:
        return challenge_record(row, bases)
    except (JournalError, AttributeError, TypeError, ValueError):
        return None
