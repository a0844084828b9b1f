"""Reads a journal, also while a service appends to it."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import orjson
from pydantic import ValidationError

from scoring.decision import Basis
from scoring.journal.record import (
    CHALLENGE_COLUMNS,
    DECISION_COLUMNS,
    ChallengeRecord,
    DecisionRecord,
    challenge_record,
    decision_record,
)
from scoring.journal.schema import JournalError, reading, segments

_CHUNK = 1_000
_NO_END = (1 << 63) - 1


class JournalReader:
    """The records of a journal, in order.

    Args:
        folder: of the journal.

    Raises:
        JournalError: there is no journal.
    """

    def __init__(self, folder: Path) -> None:
        if not segments(folder):
            raise JournalError(f"there is no journal in {folder}")
        self.folder = folder

    def decisions(
        self, *, since: str | None = None, until: str | None = None, after: int = 0
    ) -> Iterator[DecisionRecord]:
        """Decisions in the order in which they were made.

        Args:
            since: the earliest time, ISO 8601 in UTC; a date stands for its first moment.
            until: the time, in the same form, before which they were made.
            after: the sequence after which to begin.

        Raises:
            JournalError: a segment cannot be read.
        """
        bounds = {"decided_at >= ?": since, "decided_at < ?": until}
        given = {clause: value for clause, value in bounds.items() if value is not None}
        for row, bases in self._rows("decisions", DECISION_COLUMNS, after, list(given), list(given.values())):
            yield decision_record(row, bases)

    def find(self, decision_id: str) -> DecisionRecord | None:
        """The decision of that id; None if the journal has none."""
        query = f"SELECT {DECISION_COLUMNS} FROM decisions WHERE decision_id = ?"  # noqa: S608  # own words only
        for path in reversed(segments(self.folder)):
            with reading(path) as connection:
                row = connection.execute(query, (decision_id,)).fetchone()
                if row is not None:
                    return decision_record(row, read_bases(connection))
        return None

    def known(self, decision_ids: Sequence[str]) -> dict[str, str]:
        """When each of these decisions was made; those that the journal does not have are left out."""
        query = "SELECT decision_id, decided_at FROM decisions WHERE decision_id IN (SELECT value FROM json_each(?))"
        found: dict[str, str] = {}
        wanted = set(decision_ids)
        for path in reversed(segments(self.folder)):
            if not wanted:
                break
            with reading(path) as connection:
                found |= connection.execute(query, (orjson.dumps(list(wanted)).decode(),)).fetchall()
            wanted -= found.keys()
        return found

    def sequences_of(self, decision_ids: Sequence[str]) -> dict[str, int]:
        """Where the decisions of these ids stand; ids that the journal does not have are left out."""
        found: dict[str, int] = {}
        for path in segments(self.folder):
            with reading(path) as connection:
                for name in decision_ids:
                    row = connection.execute("SELECT sequence FROM decisions WHERE decision_id = ?", (name,)).fetchone()
                    if row is not None:
                        found[name] = row[0]
        return found

    def of_applicant(self, applicant: str) -> list[str]:
        """The ids of an applicant's decisions that have not been erased."""
        found: list[str] = []
        for path in segments(self.folder):
            with reading(path) as connection:
                rows = connection.execute(
                    "SELECT decision_id FROM decisions WHERE applicant = ? ORDER BY sequence", (applicant,)
                )
                found += [name for (name,) in rows]
        return found

    def challenges(self, *, after: int = 0) -> Iterator[ChallengeRecord]:
        """What challengers made of decisions' applications, in order.

        Raises:
            JournalError: a segment cannot be read.
        """
        for row, bases in self._rows("challenges", CHALLENGE_COLUMNS, after):
            yield challenge_record(row, bases)

    def challenges_of(self, decision_ids: Sequence[str]) -> Iterator[ChallengeRecord]:
        """What challengers made of the applications of these decisions."""
        query = f"SELECT {CHALLENGE_COLUMNS} FROM challenges WHERE decision_id = ?"  # noqa: S608  # own words only
        for path in segments(self.folder):
            with reading(path) as connection:
                bases = read_bases(connection)
                for name in decision_ids:
                    for row in connection.execute(query, (name,)):
                        yield challenge_record(row, bases)

    def erasures(self) -> Iterator[tuple[str, str]]:
        """The ids of decisions whose payload has been erased, and when."""
        for path in segments(self.folder):
            with reading(path) as connection:
                rows = connection.execute("SELECT decision_id, erased_at FROM erasures ORDER BY sequence")
                yield from rows.fetchall()

    def starts(self) -> list[tuple[Path, int, bytes, int, bytes]]:
        """For each segment its first decision and the proof before it, and the same of challenges."""
        found: list[tuple[Path, int, bytes, int, bytes]] = []
        for path in segments(self.folder):
            with reading(path) as connection:
                row = connection.execute(
                    "SELECT first_decision, decision_proof, first_challenge, challenge_proof FROM segment"
                ).fetchone()
                found.append((path, *row))
        return found

    def span(self, *, since: str | None = None, until: str | None = None) -> range:
        """The sequences that there should be from the first to the last decision of these times; see `decisions`."""
        starts = self.starts()
        first, end = starts[0][1], max(self.last_sequence() + 1, starts[-1][1])
        if since is not None:
            first = self._sequence("decided_at >= ?", since, "ASC", default=end)
        if until is not None:
            end = self._sequence("decided_at < ?", until, "DESC", default=first - 1) + 1
        return range(first, max(first, end))

    def challenge_span(self) -> range:
        """The sequences that there should be of challenges."""
        starts = self.starts()
        return range(starts[0][3], max(self.last_challenge() + 1, starts[-1][3]))

    def last_sequence(self) -> int:
        """The sequence of the newest decision, 0 if there is none."""
        return self._last("decisions", "first_decision")

    def last_challenge(self) -> int:
        """The sequence of the newest challenge, 0 if there is none."""
        return self._last("challenges", "first_challenge")

    def oldest_after(self, decision: int, challenge: int) -> str | None:
        """The time of the oldest record beyond these sequences, None if there is none; reads one row of a table."""
        times = []
        if decision < self.last_sequence():
            times.append(self._time_after("decisions", "decided_at", decision))
        if challenge < self.last_challenge():
            times.append(self._time_after("challenges", "scored_at", challenge))
        return min((time for time in times if time is not None), default=None)

    def _last(self, table: str, first: str) -> int:
        # The newest segment knows where it began, so it answers for those before it.
        with reading(segments(self.folder)[-1]) as connection:
            query = f"SELECT coalesce((SELECT max(sequence) FROM {table}), {first} - 1) FROM segment"  # noqa: S608  # own words only
            (last,) = connection.execute(query).fetchone()
            return int(last)

    def _time_after(self, table: str, column: str, after: int) -> str | None:
        query = f"SELECT sequence, {column} FROM {table} WHERE sequence > ? ORDER BY sequence LIMIT 1"  # noqa: S608  # own words only
        found: str | None = None
        for path in reversed(segments(self.folder)):
            with reading(path) as connection:
                row = connection.execute(query, (after,)).fetchone()
            if row is not None:
                found = row[1]
                if row[0] == after + 1:
                    break
        return found

    def strays(self) -> int:
        """How many records stand in another segment than that of their sequence."""
        count = 0
        starts = self.starts()
        for number, (path, decision, _, challenge, _) in enumerate(starts):
            later = starts[number + 1] if number + 1 < len(starts) else None
            with reading(path) as connection:
                for table, first, end in (
                    ("decisions", decision, later and later[1]),
                    ("challenges", challenge, later and later[3]),
                ):
                    query = f"SELECT count(*) FROM {table} WHERE sequence < ? OR sequence >= ?"  # noqa: S608  # own words only
                    count += connection.execute(query, (first, _NO_END if end is None else end)).fetchone()[0]
        return count

    def _sequence(self, clause: str, bound: str, order: str, *, default: int) -> int:
        """The first sequence in this order whose decision is within the bound."""
        query = f"SELECT sequence FROM decisions WHERE {clause} ORDER BY sequence {order} LIMIT 1"  # noqa: S608  # own words only
        paths = segments(self.folder)
        for path in paths if order == "ASC" else reversed(paths):
            with reading(path) as connection:
                if (row := connection.execute(query, (bound,)).fetchone()) is not None:
                    return int(row[0])
        return default

    def _rows(
        self, table: str, columns: str, after: int, clauses: Sequence[str] = (), arguments: Sequence[str] = ()
    ) -> Iterator[tuple[tuple[Any, ...], dict[int, tuple[Basis, bytes]]]]:
        conditions = " AND ".join(("sequence > ?", *clauses))
        query = f"SELECT {columns} FROM {table} WHERE {conditions} ORDER BY sequence LIMIT {_CHUNK}"  # noqa: S608  # own words only
        for path in segments(self.folder):
            with reading(path) as connection:
                # Chunk by chunk: a read that stayed open would keep the writer from clearing its log.
                while rows := connection.execute(query, (after, *arguments)).fetchall():
                    bases = read_bases(connection)
                    for row in rows:
                        yield row, bases
                    after = rows[-1][0]


def read_bases(connection: sqlite3.Connection) -> dict[int, tuple[Basis, bytes]]:
    """The bases of a segment by number, each with its hash; those that are damaged left out."""
    rows = connection.execute("SELECT number, content FROM bases")
    # Their hashes are taken anew: a record is sealed with what its basis said.
    bases: dict[int, tuple[Basis, bytes]] = {}
    for number, content in rows:
        with suppress(ValidationError):
            basis = Basis.model_validate_json(content)
            bases[number] = (basis, hashlib.sha256(content.encode()).digest())
    return bases
