"""Raw snapshot: every table of a source as Parquet, the same bytes each time for the same source."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from scoring.disk import raise_if_of_writing, writing
from scoring.expected import DataError
from scoring.models import DataKind
from scoring.scorecard import Scorecard, SourceFile
from scoring.tables.header import Expected, read_names
from training.parquet import KIND_KEY, SAMPLE_KEY, SNAPSHOT_KEY, write_parquet
from training.sources.csv_source import first_line, open_csv, require_single
from training.sources.fetch import FetchedFile
from training.tables import TableSet, find
from training.tables.build import sha256

SAMPLE_SEED = 20_051_001
ROW_GROUP = 1 << 17


@dataclass(frozen=True)
class RawTable:
    """A table of the snapshot."""

    table: str
    rows: int
    columns: int
    sha256: str
    """sha256 of the Parquet file."""
    notes: tuple[str, ...] = field(default=(), kw_only=True)
    """Sentences about the way in which the file was read."""


@dataclass(frozen=True)
class SampleTable(RawTable):
    """A table of sample data."""

    size: int
    """Bytes of its rows as CSV."""
    source_sha256: str
    """sha256 of its rows as CSV."""


def sample_tables(scorecard: Scorecard, rows: int, folder: Path) -> tuple[SampleTable, ...]:
    """Write the tables that the scorecard's generator makes up; the same number of rows gives the same data."""
    forms = find(scorecard.name)
    if forms:
        return _generated(forms[0], rows, folder)
    frame = pd.DataFrame(scorecard.sample(np.random.default_rng(SAMPLE_SEED), rows))
    content = frame.to_csv(index=False).encode()
    made_of = hashlib.sha256(content).hexdigest()
    table = scorecard.sources[0].files[0].table
    digest = write_parquet(folder / f"{table}.parquet", frame, metadata(made_of, "sample"))
    return (SampleTable(table, len(frame), len(frame.columns), digest, len(content), made_of),)


def _generated(tables: TableSet, applications: int, folder: Path) -> tuple[SampleTable, ...]:
    """Return the raw tables of a product that is made of several, each saying that it is sample data."""
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
        tables.generate(folder, applications, SAMPLE_SEED, lambda what, done: None)
    made_of = {table.name: sha256(folder / f"{table.name}.parquet") for table in tables.tables}
    stamp = metadata(snapshot_hash(made_of), "sample")
    written = []
    for name, digest in made_of.items():
        path, stamped = folder / f"{name}.parquet", folder / f".{name}.parquet"
        size = path.stat().st_size
        with writing(stamped), pq.ParquetFile(path) as file:
            schema = file.schema_arrow.with_metadata(stamp)
            with pq.ParquetWriter(stamped, schema) as writer:
                for batch in file.iter_batches(ROW_GROUP):
                    writer.write_batch(batch.replace_schema_metadata(stamp))
            rows = file.metadata.num_rows
        stamped.replace(path)
        written.append(SampleTable(name, rows, len(schema), sha256(path), size, digest))
    return tuple(written)


def snapshot_hash(files: Mapping[str, str]) -> str:
    """Return the hash of a snapshot by the sha256 of each table's file: of one, its own; else of the list by table."""
    if len(files) == 1:
        return next(iter(files.values()))
    return hashlib.sha256("".join(f"{table} {files[table]}\n" for table in sorted(files)).encode()).hexdigest()


def metadata(snapshot: str, kind: DataKind) -> dict[bytes, bytes]:
    """Return the metadata that every file of a snapshot carries, and every file that is made of it."""
    return {
        KIND_KEY: kind.encode(),
        SAMPLE_KEY: str(kind == "sample").lower().encode(),
        SNAPSHOT_KEY: snapshot.encode(),
    }


def is_sample(file: FetchedFile) -> bool:
    """Return whether a Parquet file says that its rows are sample data.

    Raises:
        DataError: it is not a whole Parquet file.
    """
    if file.format == "csv":
        return False
    try:
        return (pq.read_schema(file.path).metadata or {}).get(SAMPLE_KEY) == b"true"
    except (pa.ArrowException, OSError) as error:
        raise DataError(f"{file.name} is not a whole Parquet file: {first_line(error)}") from None


def expected_columns(scorecard: Scorecard, published: SourceFile) -> Expected:
    """Return the columns that a file of the scorecard's may have, by its contract."""
    forms = find(scorecard.name)
    if forms:
        tables = [table for form in forms for table in form.tables if table.name == published.table]
        names = [column.name for table in tables for column in table.columns]
    else:
        names = [*scorecard.columns, scorecard.key, scorecard.target]
    return Expected(scorecard.name, {name: name for name in (*names, *published.ignored)})


def write_table(
    file: FetchedFile, folder: Path, about: Mapping[bytes, bytes], expected: Expected, *, published: bool = False
) -> RawTable:
    """Write a fetched file as `<table>.parquet`, in memory that does not grow with it.

    A column of a CSV file holds whole numbers, else numbers, else text, by all of its values; numbers
    are the closest doubles to their text. Parquet keeps its types.

    Args:
        file: the file.
        folder: of the snapshot.
        about: metadata of the Parquet file.
        expected: the columns that it may have; others are taken in as well.
        published: whether it must be the published one.

    Raises:
        DataError: it is damaged, has no rows, or another number of them than it must have.
        CannotWriteError: the folder cannot be written to.
    """
    target = folder / f"{file.published.table}.parquet"
    with writing(target):
        target.parent.mkdir(parents=True, exist_ok=True)
    try:
        if file.format == "csv":
            source = open_csv(file, expected)
            notes = source.notes
            types = source.types()
            rows = _write(target, source.schema(types), source.typed(types), about)
        else:
            rows, notes = _write_parquet(file, target, about, expected)
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise_if_of_writing(error, target)
        kind = "CSV" if file.format == "csv" else "whole Parquet"
        raise DataError(f"{file.name} is not a {kind} file: {first_line(error)}") from None
    if rows == 0:
        raise DataError(f"{file.name} holds no rows")
    if published and file.published.rows not in (None, rows):
        raise DataError(f"{rows:,} rows were read of {file.name}, the published file has {file.published.rows:,}")
    with target.open("rb") as written:
        digest = hashlib.file_digest(written, "sha256").hexdigest()
    return RawTable(file.published.table, rows, len(pq.read_schema(target)), digest, notes=notes)


def _write_parquet(
    file: FetchedFile, target: Path, about: Mapping[bytes, bytes], expected: Expected
) -> tuple[int, tuple[str, ...]]:
    with pq.ParquetFile(file.path) as parquet:
        schema = parquet.schema_arrow
        header = read_names(schema.names, expected)
        require_single(file.name, [name for _, name in header.names])
        kept = [(schema.field(place), name) for place, name in header.names if name not in file.published.ignored]
        given = [field.name for field, _ in kept]
        named = pa.schema([field.with_name(name) for field, name in kept], schema.metadata)
        batches = (
            pa.record_batch(batch.select(given).columns, schema=named)
            for batch in parquet.iter_batches(batch_size=ROW_GROUP, columns=given)
        )
        return _write(target, named, batches, about), header.notes


def _write(target: Path, schema: Any, batches: Iterable[Any], about: Mapping[bytes, bytes]) -> int:
    rows = 0
    with pq.ParquetWriter(target, schema.with_metadata(dict(about)), compression="zstd") as writer:
        for group in _row_groups(batches):
            writer.write_table(group.replace_schema_metadata(dict(about)), row_group_size=ROW_GROUP)
            rows += len(group)
    return rows


def _row_groups(batches: Iterable[Any]) -> Iterator[Any]:
    """Return the same rows in tables of `ROW_GROUP` rows, but for the last."""
    held: list[Any] = []
    count = 0
    for batch in batches:
        held.append(batch)
        count += len(batch)
        while count >= ROW_GROUP:
            table = pa.Table.from_batches(held)
            yield table.slice(0, ROW_GROUP)
            held, count = table.slice(ROW_GROUP).to_batches(), count - ROW_GROUP
    if count:
        yield pa.Table.from_batches(held)
