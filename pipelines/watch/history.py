"""Fills the history store: what the features stage knows of every client, for the service to read by key."""

from __future__ import annotations

import sqlite3
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.workspace import Workspace
from scoring.expected import DataError
from scoring.files import file_aside, refuse_overwrite
from scoring.history.file import FILE_TABLES
from scoring.history.store import REDIS_SCHEMES, VALUES, HistoryError, HistoryRecord
from scoring.moment import now_to_the_second
from scoring.scorecard import Scorecard
from training.errors import StageError
from training.parquet import SNAPSHOT_KEY

if TYPE_CHECKING:
    import redis

BATCH = 8_192
"""Clients that are held in memory."""
WRITE_TIMEOUT = 30.0
"""Seconds for one answer of Redis to a batch."""

Row = tuple[int, bytes]
Advance = Callable[[str, int], None]


def clients(scorecard: Scorecard, workspace: Workspace) -> int:
    """Return how many clients the store will hold: for a progress bar.

    Raises:
        StageError: the scorecard has no history.
        DataError: the features stage has not run.
    """
    with _applications(scorecard, workspace) as file:
        return int(file.metadata.num_rows)


def fill(
    scorecard: Scorecard, workspace: Workspace, to: str | None = None, advance: Advance = lambda what, rows: None
) -> tuple[HistoryRecord, str]:
    """Write every client's history to a file or a Redis, whole or not at all.

    Args:
        scorecard: the product.
        workspace: where `features` left the applications.
        to: a path or a `redis://` address; the file next to the release if not given.
        advance: told of clients that are written.

    Returns:
        What was written, and where.

    Raises:
        StageError: the scorecard has no history, or the store cannot be written.
        DataError: the features stage has not run, or did not write the columns.
    """
    target = to or str(workspace.history)
    with _applications(scorecard, workspace) as file:
        record = HistoryRecord(
            scorecard=scorecard.name,
            columns=list(scorecard.history),
            clients=file.metadata.num_rows,
            snapshot_sha256=(file.schema_arrow.metadata or {})[SNAPSHOT_KEY].decode(),
            created_at=now_to_the_second(),
        )
        rows = _rows(scorecard, file)
        if target.startswith(REDIS_SCHEMES):
            return record, _fill_redis(target, record, rows, advance)
        refuse_overwrite(Path(target), workspace.applications)
        _fill_file(Path(target), record, rows, advance)
        return record, target


def _applications(scorecard: Scorecard, workspace: Workspace) -> pq.ParquetFile:
    if not scorecard.history:
        raise StageError(f"{scorecard.name} has no history: all that it scores is in the application")
    path = workspace.applications
    try:
        file = pq.ParquetFile(path)
    except FileNotFoundError:
        raise DataError(f"{path} is missing; run: scorebox features {scorecard.name}") from None
    except (pa.ArrowException, OSError) as error:
        raise DataError(f"{path} is not a whole Parquet file: {error}") from error
    wanted = [scorecard.key, *scorecard.history]
    if lacking := [column for column in wanted if column not in file.schema_arrow.names]:
        raise DataError(f"{path} lacks the column {lacking[0]}; run: scorebox features {scorecard.name}")
    return file


def _rows(scorecard: Scorecard, file: pq.ParquetFile) -> Iterator[list[Row]]:
    """Return keys with their stored rows, in batches."""
    columns = list(scorecard.history)
    for batch in file.iter_batches(BATCH, columns=[scorecard.key, *columns]):
        keys = batch.column(scorecard.key).to_pylist()
        values = np.empty((len(keys), len(columns)), dtype=VALUES)
        for position, column in enumerate(columns):
            # A missing value becomes NaN.
            values[:, position] = batch.column(column).to_numpy(zero_copy_only=False)
        yield [(key, row.tobytes()) for key, row in zip(keys, values, strict=True)]


def _fill_file(path: Path, record: HistoryRecord, rows: Iterator[list[Row]], advance: Advance) -> None:
    try:
        with file_aside(path) as aside:
            with closing(sqlite3.connect(aside.file, isolation_level=None)) as database:
                # Nobody reads it before it is whole, so a journal would only cost time.
                database.execute("PRAGMA journal_mode = OFF")
                database.execute("PRAGMA synchronous = OFF")
                for statement in FILE_TABLES:
                    database.execute(statement)
                database.execute("INSERT INTO metadata VALUES (?)", (record.model_dump_json(),))
                for batch in rows:
                    database.execute("BEGIN")
                    database.executemany("INSERT INTO clients VALUES (?, ?)", batch)
                    database.execute("COMMIT")
                    advance("history", len(batch))
            aside.publish()
    except sqlite3.Error as error:
        raise StageError(f"cannot write {path}: {error}") from error


def _fill_redis(address: str, record: HistoryRecord, rows: Iterator[list[Row]], advance: Advance) -> str:
    """Write a new version, to which the pointer moves when it is whole; then delete the old one."""
    import redis

    from scoring.history.redis import connect, pointer, record_key, refuse_eviction, row_prefix, shown

    where = shown(address)
    name = record.scorecard
    version = uuid.uuid4().hex[:12]
    try:
        with closing(connect(address, WRITE_TIMEOUT)) as client:
            refuse_eviction(client, where)
            try:
                for batch in rows:
                    prefix = row_prefix(name, version)
                    client.mset({f"{prefix}{key}": row for key, row in batch})
                    advance("history", len(batch))
                client.set(record_key(name, version), record.model_dump_json())
            except BaseException:
                _remove(client, name, version)
                raise
            before = client.set(pointer(name), version, get=True)
            if isinstance(before, bytes):
                _remove(client, name, before.decode())
    except redis.RedisError as error:
        raise StageError(f"the history at {where} cannot be written: {error}") from error
    except HistoryError as error:
        raise StageError(str(error)) from error
    return where


def _remove(client: redis.Redis, scorecard: str, version: str) -> None:
    from scoring.history.redis import record_key

    start = record_key(scorecard, version)
    names: list[bytes] = []
    for name in client.scan_iter(f"{start}*", count=BATCH):
        names.append(name)
        if len(names) == BATCH:
            client.unlink(*names)
            names = []
    if names:
        client.unlink(*names)
