"""Where the rows of a batch come from: a request, and the idempotency key under which it is answered once."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from scoring.journal.reader import read_bases
from scoring.journal.record import DECISION_COLUMNS, DecisionRecord, decision_record
from scoring.journal.transaction import JournalUnavailableError

KEY_SECONDS = 24 * 3_600
"""For so long at least an idempotency key is remembered after a restart or a new segment."""


class KeyConflictError(ValueError):
    """An idempotency key comes a second time, with another request."""


class KeyTakenError(JournalUnavailableError):
    """Somebody else has answered a request under this key since it was looked for; it can be recalled now."""


@dataclass(frozen=True, slots=True)
class Key:
    """An idempotency key, for one part of a request that was decided in several."""

    name: str
    part: int
    request_sha256: bytes


@dataclass(frozen=True, slots=True)
class Origin:
    """Where consecutive rows of a batch come from: one request, or a part of one."""

    rows: int
    request_id: str
    applicant: str | None = None
    """The caller's name for the applicant."""
    key: Key | None = None


def spread(origins: Sequence[Origin]) -> Iterator[Origin]:
    """The origin of each row."""
    for origin in origins:
        for _ in range(origin.rows):
            yield origin


def write_keys(connection: sqlite3.Connection, origins: Sequence[Origin], first: int) -> None:
    """Keeps the keys of rows that stand from the sequence `first` on.

    Raises:
        KeyTakenError: see there.
    """
    for origin in origins:
        if (key := origin.key) is not None:
            row = (key.name, key.part, key.request_sha256, first, origin.rows)
            try:
                connection.execute("INSERT INTO keys VALUES (?, ?, ?, ?, ?)", row)
            except sqlite3.IntegrityError:
                raise KeyTakenError("an idempotency key has been answered meanwhile") from None
        first += origin.rows


def recalled(connection: sqlite3.Connection, key: Key) -> list[DecisionRecord] | None:
    """What this segment holds under a key; None if nothing.

    Raises:
        KeyConflictError: see there.
    """
    row = connection.execute(
        "SELECT request_sha256, first, rows FROM keys WHERE key = ? AND part = ?", (key.name, key.part)
    ).fetchone()
    if row is None:
        return None
    request_sha256, first, rows = row
    if request_sha256 != key.request_sha256:
        raise KeyConflictError(key.name)
    query = f"SELECT {DECISION_COLUMNS} FROM decisions WHERE sequence >= ? AND sequence < ? ORDER BY sequence"  # noqa: S608  # own words only
    bases = read_bases(connection)
    return [decision_record(found, bases) for found in connection.execute(query, (first, first + rows))]
