"""Forgeries of a journal's decisions by somebody who can write to the disk."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Collection, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import orjson

from scoring.journal.batch import BATCH_COLUMNS, RecordBatch
from scoring.journal.schema import segments

MEMBERS = (
    "sequence", "decision_id", "request_id", "pd", "declined", "points", "band", "thin", "reasons", "contributions",
    "payload_sha256",
)  # fmt: skip
"""Fields of the line of a record."""
PAYLOAD = ("salt", "inputs", "applicant", "application")
"""Fields of the line of a payload."""


def change(folder: Path, sequences: Collection[int], member: str, value: Any) -> None:
    """Gives a member of these decisions another value, or what a function makes of the one it has."""
    with _lines(folder) as lines:
        for line in lines:
            if line.sequence in sequences:
                line.change(member, value)


def take_out(folder: Path, sequences: Collection[int]) -> None:
    """Removes these decisions."""
    with _lines(folder) as lines:
        for line in lines:
            line.is_there = line.sequence not in sequences


def give_proof(folder: Path, sequence: int, make: Callable[[bytes], bytes]) -> None:
    """Gives a decision the proof that a function makes of its line."""
    with _lines(folder) as lines:
        for line in lines:
            if line.sequence == sequence:
                line.proof = make(line.record)


def empty(folder: Path, sequences: Collection[int]) -> None:
    """Removes the payloads of these decisions."""
    with _lines(folder) as lines:
        for line in lines:
            if line.sequence in sequences:
                line.payload = b""


def statement(folder: Path, words: str, *arguments: object) -> None:
    """Runs a statement in every segment."""
    for path in segments(folder):
        with closing(sqlite3.connect(path)) as connection, connection:
            connection.execute(words, arguments)


class _Line:
    def __init__(self, sequence: int, record: bytes, proof: bytes, payload: bytes) -> None:
        self.sequence, self.record, self.proof, self.payload = sequence, record, proof, payload
        self.is_there = True

    def change(self, member: str, value: Any) -> None:
        if member in PAYLOAD:
            self.payload = _changed(self.payload, PAYLOAD.index(member), value)
        else:
            self.record = _changed(self.record, MEMBERS.index(member), value)


def _changed(line: bytes, place: int, value: Any) -> bytes:
    members = orjson.loads(line)
    members[place] = value(members[place]) if callable(value) else value
    return orjson.dumps(members)


@contextmanager
def _lines(folder: Path) -> Iterator[list[_Line]]:
    """The lines of all decisions; what is done to them is written afterwards."""
    found: list[tuple[Path, RecordBatch, list[_Line]]] = []
    for path in segments(folder):
        with closing(sqlite3.connect(path)) as connection:
            rows = connection.execute(f"SELECT {BATCH_COLUMNS} FROM batches").fetchall()
        for batch in (RecordBatch(*row) for row in rows):
            lines = [_Line(place.sequence, place.line, place.proof, place.payload) for place in batch.places()]
            found.append((path, batch, lines))
    yield [line for *_, lines in found for line in lines]
    for path, batch, lines in found:
        kept = [line for line in lines if line.is_there]
        with closing(sqlite3.connect(path)) as connection, connection:
            if not kept:
                connection.execute("DELETE FROM batches WHERE first = ?", (batch.first,))
                continue
            connection.execute(
                "UPDATE batches SET last = ?, proofs = ?, records = ?, payloads = ? WHERE first = ?",
                (
                    batch.last if kept[-1] is lines[-1] else kept[-1].sequence,
                    b"".join(line.proof for line in kept),
                    b"\n".join(line.record for line in kept).decode(),
                    b"\n".join(line.payload for line in kept).decode(),
                    batch.first,
                ),
            )
