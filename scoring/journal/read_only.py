"""Read a database where SQLite can make no file next to it: on read-only media, in a folder of another user's."""

from __future__ import annotations

import os
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeAlias

State: TypeAlias = tuple[tuple[int, int] | None, ...]
"""Size and time of change of a database and its logs, None for what is not there."""

_REFUSED = {sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY}
_PRIMARY = 0xFF
"""The bits of an extended error code that hold its kind, https://www.sqlite.org/rescode.html."""


class UnlockedConnection(sqlite3.Connection):
    """A connection that takes no locks: nobody may write to what it reads."""

    source: Path
    before: State

    @property
    def source_changed(self) -> bool:
        """Whether somebody has written to the database since it was opened."""
        return _state(self.source) != self.before


def is_read_only(path: Path) -> bool:
    """Return whether nothing can be written next to a file."""
    return not os.access(path.resolve().parent, os.W_OK)


def wants_to_write(error: sqlite3.Error) -> bool:
    """Return whether SQLite has refused to read because it could not write."""
    return getattr(error, "sqlite_errorcode", 0) & _PRIMARY in _REFUSED


def connect_unlocked(path: Path) -> UnlockedConnection:
    """Return a connection that only reads, and makes no file next to the database.

    A log next to the database holds what is not in it yet, so both are copied into a private folder, which is gone
    when this returns.

    Raises:
        sqlite3.Error, OSError: it cannot be opened, or there is no room for the copy.
    """
    path = path.resolve()
    before = _state(path)
    logs = [log for log in _logs(path) if log.exists() and log.stat().st_size]
    if not logs:
        return _immutable(path, path, before)
    with TemporaryDirectory(prefix="scorebox-") as folder:
        for file in (path, *logs):
            shutil.copyfile(file, Path(folder) / file.name)
        copy = Path(folder) / path.name
        with closing(sqlite3.connect(copy, isolation_level=None)) as connection:
            # SQLite finishes or undoes with the first read what the log holds.
            connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
            connection.execute("PRAGMA journal_mode = DELETE")
        return _immutable(copy, path, before)


def _immutable(path: Path, source: Path, before: State) -> UnlockedConnection:
    address = f"{path.as_uri()}?mode=ro&immutable=1"
    connection = sqlite3.connect(
        address, uri=True, isolation_level=None, check_same_thread=False, factory=UnlockedConnection
    )
    connection.source, connection.before = source, before
    return connection


def _logs(path: Path) -> list[Path]:
    return [path.with_name(f"{path.name}{suffix}") for suffix in ("-wal", "-journal")]


def _state(path: Path) -> State:
    found = [file.stat() if file.exists() else None for file in (path, *_logs(path))]
    return tuple(each and (each.st_size, each.st_mtime_ns) for each in found)
