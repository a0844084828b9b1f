"""One transaction of a journal: all of it is on disk, or nothing."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from functools import cache
from itertools import chain
from typing import Any

from scoring.expected import ExpectedError

_ROWS_OF_AN_INSERT = (64, 16, 4, 1)
"""Each step of a statement lets another thread run, and a row at a time that costs more than the rows themselves."""


class JournalUnavailableError(ExpectedError):
    """The journal cannot take records now, so nothing can be decided; what was decided is safe."""


class Transaction:
    """BEGIN and COMMIT around a block; what fails leaves nothing behind.

    Args:
        connection: in which no transaction is open.
        begin: False for a block of one statement, which is a transaction by itself.
    """

    def __init__(self, connection: sqlite3.Connection, *, begin: bool = True) -> None:
        self._connection = connection
        self._begin = begin

    def __enter__(self) -> sqlite3.Connection:
        try:
            if self._begin:
                self._connection.execute("BEGIN IMMEDIATE")
        except sqlite3.Error as error:
            raise JournalUnavailableError(f"the journal takes no records now: {error}") from None
        return self._connection

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        try:
            if error is None:
                if self._begin:
                    self._connection.execute("COMMIT")
                return
        except sqlite3.Error as failure:
            self._roll_back()
            raise JournalUnavailableError(f"the journal takes no records now: {failure}") from None
        self._roll_back()
        if isinstance(error, sqlite3.Error):
            raise JournalUnavailableError(f"the journal takes no records now: {error}") from None

    def _roll_back(self) -> None:
        if self._connection.in_transaction:
            self._connection.execute("ROLLBACK")


def insert(connection: sqlite3.Connection, table: str, rows: Sequence[tuple[Any, ...]]) -> None:
    """Put rows into a table, many by one statement."""
    start = 0
    for size in _ROWS_OF_AN_INSERT:
        while len(rows) - start >= size:
            chunk = rows[start : start + size]
            connection.execute(_insert_query(table, len(chunk[0]), size), list(chain.from_iterable(chunk)))
            start += size


@cache
def _insert_query(table: str, columns: int, rows: int) -> str:
    row = f"({', '.join('?' * columns)})"
    return f"INSERT INTO {table} VALUES {', '.join([row] * rows)}"  # noqa: S608  # own words only
