"""Raw snapshot: every table of a source as Parquet, the same bytes each time for the same source."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import csv

from scoring.expected import DataError
from scoring.scorecard import Scorecard, SourceFile
from scoring.tables.names import match_columns
from scoring.tables.numbers import written_numbers
from training.parquet import SAMPLE_KEY, SNAPSHOT_KEY, write_parquet
from training.sources.fetch import FetchedFile
from training.tables import TableSet, find
from training.tables.build import sha256

SAMPLE_SEED = 20_051_001
BLOCK = 4 << 20
"""Bytes of text that are held and parsed at a time; a line must be shorter."""
ROW_GROUP = 1 << 17
CANDIDATES = (pa.int64(), pa.float64(), pa.string())
"""The types that a column of text may have; it gets the first that all of its values have."""


@dataclass(frozen=True)
class RawTable:
    """A table of the snapshot."""

    table: str
    rows: int
    columns: int
    sha256: str
    """sha256 of the Parquet file."""


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
    digest = write_parquet(folder / f"{table}.parquet", frame, metadata(made_of, sample=True))
    return (SampleTable(table, len(frame), len(frame.columns), digest, len(content), made_of),)


def _generated(tables: TableSet, applications: int, folder: Path) -> tuple[SampleTable, ...]:
    """Return the raw tables of a product that is made of several, each saying that it is sample data."""
    folder.mkdir(parents=True, exist_ok=True)
    tables.generate(folder, applications, SAMPLE_SEED, lambda what, done: None)
    made_of = {table.name: sha256(folder / f"{table.name}.parquet") for table in tables.tables}
    stamp = metadata(snapshot_hash(made_of), sample=True)
    written = []
    for name, digest in made_of.items():
        path, stamped = folder / f"{name}.parquet", folder / f".{name}.parquet"
        size = path.stat().st_size
        with pq.ParquetFile(path) as file:
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


def metadata(snapshot: str, *, sample: bool) -> dict[bytes, bytes]:
    """Return the metadata that every file of a snapshot carries."""
    return {SAMPLE_KEY: b"true" if sample else b"false", SNAPSHOT_KEY: snapshot.encode()}


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
        raise DataError(f"{file.name} is not a whole Parquet file: {_first_line(error)}") from None


def write_table(file: FetchedFile, folder: Path, about: Mapping[bytes, bytes]) -> RawTable:
    """Write a fetched file as `<table>.parquet`, in memory that does not grow with it.

    A column of a CSV file holds whole numbers, else numbers, else text, by all of its values; numbers
    are the closest doubles to their text. Parquet keeps its types.

    Raises:
        DataError: it is damaged, or has another number of rows than published.
    """
    target = folder / f"{file.published.table}.parquet"
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        if file.format == "csv":
            reader = _csv_reader(file.path, file.published, _types(file.path, file.published))
            rows = _write(target, reader.schema, reader, about)
        else:
            with pq.ParquetFile(file.path) as parquet:
                _require_single(file.name, parquet.schema_arrow.names)
                kept = [field for field in parquet.schema_arrow if field.name not in file.published.ignored]
                batches = parquet.iter_batches(batch_size=ROW_GROUP, columns=[field.name for field in kept])
                rows = _write(target, pa.schema(kept, parquet.schema_arrow.metadata), batches, about)
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        kind = "CSV" if file.format == "csv" else "whole Parquet"
        raise DataError(f"{file.name} is not a {kind} file: {_first_line(error)}") from None
    if file.format == "csv" and file.published.rows not in (None, rows):
        raise DataError(f"{rows:,} rows were read of {file.name}, the published file has {file.published.rows:,}")
    with target.open("rb") as written:
        digest = hashlib.file_digest(written, "sha256").hexdigest()
    return RawTable(file.published.table, rows, len(pq.read_schema(target)), digest)


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


def _require_single(file: str, names: Sequence[str]) -> None:
    if doubled := match_columns(names, {name: name for name in names}).doubled:
        raise DataError(f"{file}: {doubled[0].field}: {doubled[0].message}")


def _csv_reader(path: Path, published: SourceFile, types: Mapping[str, Any]) -> Any:
    """Open a CSV file; `types` names the columns to read, all of them if it is empty."""
    return csv.open_csv(
        path,
        read_options=csv.ReadOptions(
            block_size=BLOCK, column_names=published.columns or None, encoding=published.encoding
        ),
        parse_options=csv.ParseOptions(delimiter=published.separator, newlines_in_values=True),
        convert_options=csv.ConvertOptions(
            include_columns=list(types) or None,
            column_types=types,
            null_values=list(published.missing),
            strings_can_be_null=True,
            decimal_point=published.decimal,
        ),
    )


def _types(path: Path, published: SourceFile) -> dict[str, Any]:
    """Return the type of every column, from a first pass over the whole file as text."""
    names = published.columns or tuple(_csv_reader(path, published, {}).schema.names)
    _require_single(path.name, names)
    names = tuple(name for name in names if name not in published.ignored)
    remaining = {name: list(CANDIDATES) for name in names}
    for batch in _csv_reader(path, published, dict.fromkeys(names, pa.string())):
        for name, candidates in remaining.items():
            while candidates[0] != pa.string() and not _holds(batch[name], candidates, published.decimal):
                candidates.pop(0)
    return {name: candidates[0] for name, candidates in remaining.items()}


def _holds(values: Any, candidates: list[Any], decimal: str) -> bool:
    """Return whether the text can be of the first type. A whole number is a number too: Arrow alone would take 0x1F."""
    if written_numbers(values, decimal)[1] is not None:
        return False
    if candidates[0] == pa.int64():
        try:
            values.cast(pa.int64())
        except pa.ArrowInvalid:
            return False
    return True


def _first_line(error: Exception) -> str:
    """Return the message without the text of the row, which the parser quotes: it is somebody's data."""
    return re.sub(r"(got \d+): .*", r"\1", (str(error).splitlines() or [type(error).__name__])[0])
