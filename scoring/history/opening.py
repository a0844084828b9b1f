"""Open the history at an address: one setting, behind which stands a file or Redis."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from scoring.history.file import FileHistory
from scoring.history.store import REDIS_SCHEMES, HistoryStore
from scoring.scorecard import Scorecard


def open_history(address: str, scorecard: Scorecard, columns: Sequence[str]) -> HistoryStore:
    """Open the store at a path or a `redis://` address.

    Args:
        address: where it is.
        scorecard: whose history it must hold.
        columns: those of the scorecard's history columns that are read, in the order wanted.

    Raises:
        HistoryError: it is missing, damaged, of another scorecard, or lacks a column.
    """
    if address.startswith(REDIS_SCHEMES):
        # A file needs no client of Redis, whose import takes long.
        from scoring.history.redis import RedisHistory

        return RedisHistory(address, scorecard, columns)
    return FileHistory(Path(address), scorecard, columns)
