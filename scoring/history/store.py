"""Define what every store of the history holds: columns by key, computed by the pipeline, read while serving.

A store, a file of SQLite or Redis, holds for each client one row of little-endian float32 in the order of the
record's columns, and the record next to them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, ValidationError

from scoring.expected import ExpectedError
from scoring.scorecard import Scorecard

VALUES = np.dtype("<f4")
"""How a row is stored."""
REDIS_SCHEMES = ("redis://", "rediss://", "unix://")

HistoryRows = tuple[NDArray[np.float32], NDArray[np.bool_]]
"""Values, [keys, columns] float32, the scorecard's defaults where a key is unknown; and which are known, [keys]."""


class HistoryError(ExpectedError):
    """A store is missing or not the scorecard's; the message says what to do."""


class HistoryUnavailableError(ExpectedError):
    """A store does not answer now, so nobody can be scored: no answer is not the same as nothing known."""


class HistoryRecord(BaseModel):
    """The columns and the number of clients in a store, and the data that they were computed from."""

    model_config = ConfigDict(extra="forbid")

    scorecard: str
    columns: list[str]
    clients: int
    snapshot_sha256: str
    """The snapshot that it was computed from, as in the model's record."""
    created_at: str


class HistoryStore(Protocol):
    """A store, opened to read the columns that a graph wants, in its order."""

    remote: bool
    """True where a read waits for another process, and so must not hold the event loop up."""

    @property
    def record(self) -> HistoryRecord:
        """The record of the store as it is now."""
        ...

    def read(self, keys: NDArray[np.int64]) -> HistoryRows:
        """Return the history of each key of a [keys] array; safe to call from several threads.

        Raises:
            HistoryUnavailableError: the store does not answer, or its rows are damaged.
        """
        ...

    def close(self) -> None:
        """Close the file or the connections."""
        ...


def parse_record(text: str | bytes, where: str, scorecard: str) -> HistoryRecord:
    """Return the record from its JSON form.

    Args:
        text: the JSON.
        where: the store, as messages name it.
        scorecard: the scorecard whose history the caller wants, for the repair that a message names.

    Raises:
        HistoryError: the text is no record.
    """
    try:
        return HistoryRecord.model_validate_json(text)
    except ValidationError:
        raise HistoryError(f"{where} is not a history store; run: scorebox history {scorecard}") from None


class Layout:
    """The wanted columns among a store's own, in the wanted order.

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
        """Return the wanted columns of stored rows, and the defaults where a row is None.

        Raises:
            HistoryUnavailableError: a row is not as long as the record says.
        """
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
    """A history that knows nobody: for checks of a graph that need no store."""

    remote = False

    def __init__(self, scorecard: Scorecard, columns: Sequence[str]) -> None:
        self._record = HistoryRecord(
            scorecard=scorecard.name, columns=list(columns), clients=0, snapshot_sha256="", created_at=""
        )
        self._layout = Layout(self._record, "nowhere", scorecard, columns)

    @property
    def record(self) -> HistoryRecord:
        """A record of no clients."""
        return self._record

    def read(self, keys: NDArray[np.int64]) -> HistoryRows:
        """Return the defaults for everybody."""
        return self._layout.rows([None] * len(keys))

    def close(self) -> None:
        """Do nothing: there is nothing to close."""
