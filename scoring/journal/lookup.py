"""Find the decisions of one segment: by place, by time, by id."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Collection, Iterable, Iterator
from contextlib import suppress
from itertools import chain

import orjson
from pydantic import ValidationError

from scoring.decision import Basis
from scoring.journal.batch import BATCH_COLUMNS, Place, RecordBatch
from scoring.journal.record import Bases, DecisionRecord
from scoring.moment import moments_of

_BATCHES = 32
_IDS = 1_000


def read_bases(connection: sqlite3.Connection) -> Bases:
    """Return the bases of a segment by number, each with its hash; those that are damaged left out."""
    rows = connection.execute("SELECT number, content FROM bases")
    # Their hashes are taken anew: a record is sealed with what its basis said.
    bases: dict[int, tuple[Basis, bytes]] = {}
    for number, content in rows:
        with suppress(ValidationError):
            basis = Basis.model_validate_json(content)
            bases[number] = (basis, hashlib.sha256(content.encode()).digest())
    return bases


def batch_at(connection: sqlite3.Connection, sequence: int) -> RecordBatch | None:
    """Return the batch in whose place a decision stands; None before the first one."""
    query = f"SELECT {BATCH_COLUMNS} FROM batches WHERE first <= ? ORDER BY first DESC LIMIT 1"  # noqa: S608  # own words only
    row = connection.execute(query, (sequence,)).fetchone()
    return None if row is None else RecordBatch(*row)


def batches(
    connection: sqlite3.Connection, after: int = 0, since: str | None = None, until: str | None = None
) -> Iterator[RecordBatch]:
    """Yield the batches with decisions after a sequence, in order, that were made at these times."""
    # The sign keeps SQLite from going by moments and sorting whole batches.
    bounds = {"last > ?": after, "+decided_at >= ?": since, "+decided_at < ?": until}
    given = {clause: value for clause, value in bounds.items() if value is not None}
    query = (
        f"SELECT {BATCH_COLUMNS} FROM batches WHERE first >= ? AND {' AND '.join(given)} "  # noqa: S608  # own words only
        "ORDER BY first LIMIT ?"
    )
    start = _start(connection, after)
    # Some at a time: a read that stayed open would keep the writer from clearing its log.
    while rows := connection.execute(query, (start, *given.values(), _BATCHES)).fetchall():
        for row in rows:
            yield RecordBatch(*row)
        start = rows[-1][0] + 1


def decisions(
    connection: sqlite3.Connection, after: int = 0, since: str | None = None, until: str | None = None
) -> Iterator[DecisionRecord]:
    """Yield the decisions after a sequence, in order, that were made at these times.

    Raises:
        JournalError: one is damaged.
    """
    bases: Bases = {}
    for batch in batches(connection, after, since, until):
        if batch.basis not in bases:
            bases = read_bases(connection)
        for place in batch.places():
            if place.sequence > after:
                yield batch.record(place, bases)


def places_at(connection: sqlite3.Connection, sequences: Iterable[int]) -> Iterator[tuple[RecordBatch, Place]]:
    """Yield where the decisions with these sequences, in rising order, stand; nothing for those that are not there."""
    batch: RecordBatch | None = None
    found: dict[int, Place] = {}
    for sequence in sequences:
        if batch is None or sequence > batch.last:
            batch = batch_at(connection, sequence)
            found = {} if batch is None else {place.sequence: place for place in batch.places()}
        if batch is not None and sequence in found:
            yield batch, found[sequence]


def time_after(connection: sqlite3.Connection, after: int) -> tuple[int, str] | None:
    """Return the first decision after a sequence, and when it was made."""
    query = "SELECT max(first, ?), decided_at FROM batches WHERE first >= ? AND last > ? ORDER BY first LIMIT 1"
    row: tuple[int, str] | None = connection.execute(query, (after + 1, _start(connection, after), after)).fetchone()
    return row


def strays(connection: sqlite3.Connection, first: int, end: int) -> int:
    """Return how many decisions of a segment, from `first` to before `end`, cannot be found by sequence."""
    count, batch = 0, None
    for following in chain(batches(connection), [None]):
        if batch is not None:
            own = range(max(batch.first, first), end if following is None else min(following.first, end))
            count += sum(place.sequence not in own for place in batch.places())
        batch = following
    return count


def places(connection: sqlite3.Connection, ids: Collection[str]) -> Iterator[tuple[RecordBatch, Place]]:
    """Yield where the decisions of these ids stand, and in which batch; of those that are not there nothing."""
    query = (
        f"SELECT {BATCH_COLUMNS} FROM batches "  # noqa: S608  # own words only
        "WHERE decided_at IN (SELECT value FROM json_each(?)) AND first > ? ORDER BY first LIMIT ?"
    )
    wanted, moments = set(ids), sorted(moments_of(ids))
    for start in range(0, len(moments), _IDS):
        some, last = orjson.dumps(moments[start : start + _IDS]).decode(), 0
        while rows := connection.execute(query, (some, last, _BATCHES)).fetchall():
            for batch in (RecordBatch(*row) for row in rows):
                for place in batch.places():
                    if place.decision_id in wanted:
                        yield batch, place
            last = rows[-1][0]


def erased_among(connection: sqlite3.Connection, ids: Iterable[str]) -> set[str]:
    """Return those of these ids whose decision this segment has and an erasure has emptied."""
    query = "SELECT decision_id FROM erasures WHERE decision_id IN (SELECT value FROM json_each(?))"
    return {name for (name,) in connection.execute(query, (orjson.dumps([*ids]).decode(),))}


def _start(connection: sqlite3.Connection, after: int) -> int:
    """Return where to begin for what comes after a sequence: the batch that holds it may begin before it."""
    return connection.execute("SELECT max(first) FROM batches WHERE first <= ?", (after + 1,)).fetchone()[0] or 0
