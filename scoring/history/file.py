"""Read the history from one file of SQLite, for a service on one machine."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from scoring.history.store import (
    HistoryError,
    HistoryRecord,
    HistoryRows,
    HistoryUnavailableError,
    Layout,
    parse_record,
)
from scoring.scorecard import Scorecard

FILE_TABLES = (
    "CREATE TABLE metadata (record TEXT NOT NULL)",
    "CREATE TABLE clients (key INTEGER PRIMARY KEY, history BLOB NOT NULL)",
)
"""The tables of the file: one record, a `HistoryRecord` as JSON, and a row for each client."""


class FileHistory:
    """One SQLite file, opened as immutable: no locks, and a new file must take its place by renaming."""

    remote = False

    def __init__(self, path: Path, scorecard: Scorecard, columns: Sequence[str]) -> None:
        if not path.is_file():
            raise HistoryError(
                f"there is no history at {path}; set SCOREBOX_HISTORY, or run: scorebox history {scorecard.name}"
            )
        address = f"{path.resolve().as_uri()}?mode=ro&immutable=1"
        # SQLite guards a connection itself (serialised mode, which CPython builds it in).
        self._connection = sqlite3.connect(address, uri=True, check_same_thread=False, isolation_level=None)
        self._path = path
        try:
            (text,) = self._connection.execute("SELECT record FROM metadata").fetchone()
            self._record = parse_record(text, str(path), scorecard.name)
            self._layout = Layout(self._record, str(path), scorecard, columns)
        except (sqlite3.Error, TypeError):
            self._connection.close()
            raise HistoryError(f"{path} is not a history store; run: scorebox history {scorecard.name}") from None
        except HistoryError:
            self._connection.close()
            raise

    @property
    def record(self) -> HistoryRecord:
        """The record in the file."""
        return self._record

    def read(self, keys: NDArray[np.int64]) -> HistoryRows:
        """Return the history of each key, as `HistoryStore.read`."""
        find = self._connection.execute
        try:
            found = [find("SELECT history FROM clients WHERE key = ?", (key,)).fetchone() for key in keys.tolist()]
        except sqlite3.Error as error:
            raise HistoryUnavailableError(f"{self._path} cannot be read: {error}") from None
        return self._layout.rows([row and row[0] for row in found])

    def close(self) -> None:
        """Close the file."""
        self._connection.close()
