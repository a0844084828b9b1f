"""Keep the names that callers give: of applicants, and of requests by idempotency keys."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from scoring.journal.lookup import places_at, read_bases
from scoring.journal.origin import Key, RequestOrigin
from scoring.journal.record import DecisionRecord
from scoring.journal.transaction import JournalUnavailableError

KEY_SECONDS = 24 * 3_600
"""For so long at least a key is remembered after a restart or a new segment."""


class KeyConflictError(ValueError):
    """An idempotency key comes a second time, with another request."""


class KeyTakenError(JournalUnavailableError):
    """Somebody else has answered a request under this key since it was looked for; it can be recalled now."""


def write_names(connection: sqlite3.Connection, request_origins: Sequence[RequestOrigin], first: int) -> None:
    """Keep the applicants and keys of rows that stand from the sequence `first` on.

    Raises:
        KeyTakenError: decisions were made under one of the keys meanwhile.
    """
    for origin in request_origins:
        if origin.applicant is not None:
            theirs = [(origin.applicant, sequence) for sequence in range(first, first + origin.rows)]
            connection.executemany("INSERT INTO applicants VALUES (?, ?)", theirs)
        if (key := origin.key) is not None:
            row = (key.name, key.part, key.request_sha256, first, origin.rows)
            try:
                connection.execute("INSERT INTO keys VALUES (?, ?, ?, ?, ?)", row)
            except sqlite3.IntegrityError:
                raise KeyTakenError("an idempotency key has been answered meanwhile") from None
        first += origin.rows


def kept_rows(connection: sqlite3.Connection, key: str) -> int:
    """Return how many rows of a request this segment holds under a key."""
    return int(connection.execute("SELECT coalesce(sum(rows), 0) FROM keys WHERE key = ?", (key,)).fetchone()[0])


def recalled(connection: sqlite3.Connection, key: Key) -> list[DecisionRecord] | None:
    """Return the place of what this segment holds under a key; None if nothing.

    Raises:
        KeyConflictError: the key stands for another request.
    """
    row = connection.execute(
        "SELECT request_sha256, first, rows FROM keys WHERE key = ? AND part = ?", (key.name, key.part)
    ).fetchone()
    if row is None:
        return None
    request_sha256, first, rows = row
    if request_sha256 != key.request_sha256:
        raise KeyConflictError(key.name)
    bases = read_bases(connection)
    return [batch.record(place, bases) for batch, place in places_at(connection, range(first, first + rows))]
