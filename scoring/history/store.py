"""What is known of applicants from earlier: columns by key, computed by the pipeline, read while serving.

Two stores stand behind one setting, a file of SQLite and Redis. Both hold, for each client, one row of
little-endian float32 in the order of the record's columns, and the record beside them.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, ValidationError

from scoring.scorecard import Scorecard

VALUES = np.dtype("<f4")
"""How a row is stored."""
FILE_TABLES = (
    "CREATE TABLE metadata (record TEXT NOT NULL)",
    "CREATE TABLE clients (key INTEGER PRIMARY KEY, history BLOB NOT NULL)",
)
"""What is in the file: one record, a `HistoryRecord` as JSON, and a row for each client."""
REDIS_SCHEMES = ("redis://", "rediss://", "unix://")

HistoryRows = tuple[NDArray[np.float32], NDArray[np.bool_]]
"""Values, [keys, columns] float32, the scorecard's defaults where a key is unknown; and which are known, [keys]."""


class HistoryError(RuntimeError):
    """A store is missing or not the scorecard's; the message says what to do."""


class HistoryUnavailableError(RuntimeError):
    """A store does not answer now, so nobody can be scored: no answer is not the same as nothing known."""


class HistoryRecord(BaseModel):
    """What a store holds, and what it was made from."""

    model_config = ConfigDict(extra="forbid")

    scorecard: str
    columns: list[str]
    clients: int
    snapshot_sha256: str
    """Of the data that it was computed from, as in the model's record."""
    created_at: str


class HistoryStore(Protocol):
    """Reads the columns that a graph wants, in its order."""

    remote: bool
    """True where a read waits for another process, and so must not hold the event loop up."""

    @property
    def record(self) -> HistoryRecord:
        """What the store holds now."""
        ...

    def read(self, keys: NDArray[np.int64]) -> HistoryRows:
        """The history of each key; safe to call from several threads.

        Raises:
            HistoryUnavailableError: the store does not answer, or its rows are damaged.
        """
        ...

    def close(self) -> None:
        """Lets go of the file or the connections."""
        ...


def open_history(address: str, scorecard: Scorecard, columns: Sequence[str]) -> HistoryStore:
    """The store at a path or a `redis://` address.

    Args:
        address: where it is.
        scorecard: whose history it must hold.
        columns: those of the scorecard's history columns that are read, in the order wanted.

    Raises:
        HistoryError: it is missing, damaged, of another scorecard, or lacks a column.
    """
    if address.startswith(REDIS_SCHEMES):
        from scoring.history.redis import RedisHistory

        return RedisHistory(address, scorecard, columns)
    return FileHistory(Path(address), scorecard, columns)


def parse_record(text: str | bytes, where: str, scorecard: str) -> HistoryRecord:
    """The record in its JSON form.

    Raises:
        HistoryError: it is not one.
    """
    try:
        return HistoryRecord.model_validate_json(text)
    except ValidationError:
        raise HistoryError(f"{where} is not a history store; run: scorebox history {scorecard}") from None


class Layout:
    """Stored rows to the columns that are wanted.

    Raises:
        HistoryError: the record is of another scorecard, or lacks a column.
    """

    def __init__(self, record: HistoryRecord, where: str, scorecard: Scorecard, columns: Sequence[str]) -> None:
        if record.scorecard != scorecard.name:
            raise HistoryError(f"{where} holds the history of {record.scorecard}, not of {scorecard.name}")
        positions = {column: position for position, column in enumerate(record.columns)}
        if lacking := [column for column in columns if column not in positions]:
            shown = ", ".join(lacking[:5]) + (f" and {len(lacking) - 5} more" if len(lacking) > 5 else "")
            raise HistoryError(f"{where} lacks the columns {shown}; run: scorebox history {scorecard.name}")
        self._where = where
        self._width = len(record.columns)
        self._positions = np.array([positions[column] for column in columns], dtype=np.int64)
        self._defaults = np.array([scorecard.history[column] for column in columns], dtype=np.float32)

    def rows(self, stored: Sequence[bytes | None]) -> HistoryRows:
        """The wanted columns of stored rows, and the defaults where there is none."""
        found = [row for row in stored if row is not None]
        content = b"".join(found)
        if len(content) != len(found) * self._width * VALUES.itemsize:
            raise HistoryUnavailableError(f"{self._where} holds damaged rows")
        values = np.frombuffer(content, dtype=VALUES).reshape(-1, self._width)
        if len(found) == len(stored):
            return values.take(self._positions, axis=1).astype(np.float32, copy=False), np.ones(len(stored), dtype=bool)
        known = np.array([row is not None for row in stored], dtype=bool)
        result = np.empty((len(stored), len(self._positions)), dtype=np.float32)
        result[known] = values[:, self._positions]
        result[~known] = self._defaults
        return result, known


class EmptyHistory:
    """Knows nobody: for checks of a graph that need no store."""

    remote = False

    def __init__(self, scorecard: Scorecard, columns: Sequence[str]) -> None:
        self._record = HistoryRecord(
            scorecard=scorecard.name, columns=list(columns), clients=0, snapshot_sha256="", created_at=""
        )
        self._layout = Layout(self._record, "nowhere", scorecard, columns)

    @property
    def record(self) -> HistoryRecord:
        """No clients."""
        return self._record

    def read(self, keys: NDArray[np.int64]) -> HistoryRows:
        """The defaults for everybody."""
        return self._layout.rows([None] * len(keys))

    def close(self) -> None:
        """Nothing to let go of."""


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
        """What the file holds."""
        return self._record

    def read(self, keys: NDArray[np.int64]) -> HistoryRows:
        """See `HistoryStore`."""
        find = self._connection.execute
        try:
            found = [find("SELECT history FROM clients WHERE key = ?", (key,)).fetchone() for key in keys.tolist()]
        except sqlite3.Error as error:
            raise HistoryUnavailableError(f"{self._path} cannot be read: {error}") from None
        return self._layout.rows([row and row[0] for row in found])

    def close(self) -> None:
        """Closes the file."""
        self._connection.close()
