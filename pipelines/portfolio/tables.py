"""Parquet and CSV files, batch by batch; no file is ever in memory as a whole."""

from __future__ import annotations

import csv
import io
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv
import pyarrow.parquet as pq
from numpy.typing import NDArray

from pipelines.portfolio.places import Place, one_line
from scoring.errors import FieldError, RowError
from training.errors import DataError

PARQUET = ".parquet"
CSV = ".csv"
CSV_GZIP = ".csv.gz"

ROWS = 1 << 16
"""Rows of a Parquet batch: few enough for the processor's caches, and the cost of a call is spread over many."""
PAGES = 1 << 20
"""Bytes of each column that are read at a time, so that memory does not grow with a file's row groups."""
BLOCK = 4 << 20
"""Bytes of a CSV batch; no row may be longer."""

Torn: TypeAlias = tuple[int, FieldError]
"""A row of another number of cells, by its place in the file."""

PARSING = {
    pa.int64(): ("int_parsing", "Input should be a valid integer, unable to parse string as an integer"),
    pa.float64(): ("float_parsing", "Input should be a valid number, unable to parse string as a number"),
}
"""Rules of pydantic for a text that is no number."""


@dataclass(frozen=True)
class ApplicationBatch:
    """Consecutive rows of the input."""

    table: pa.Table
    rows: int
    """All rows, those that are no rows of the table as well."""
    positions: NDArray[np.int64]
    """The position of each row of the table, counted from the batch's start."""
    unreadable: list[RowError] = field(default_factory=list)
    """Rows with cells that could not be read, by position; in the table such a cell is null."""


@contextmanager
def reading(file: Place) -> Iterator[None]:
    """Turn an error of reading the file into one line that names it."""
    try:
        yield
    except DataError:
        raise
    except FileNotFoundError:
        raise DataError(f"there is no {file.shown}") from None
    except Exception as error:  # each file system behind fsspec has its own exceptions
        kind = "CSV" if file.suffix != PARQUET else "Parquet"
        raise DataError(f"{file.shown} cannot be read as {kind}: {one_line(error)}") from error


def parquet_file(file: Place) -> pq.ParquetFile:
    """Open the file and read its footer."""
    local = file.local
    if local is not None:
        return pq.ParquetFile(local, pre_buffer=False, buffer_size=PAGES)
    # Over the network few large reads are cheaper than many small ones.
    return pq.ParquetFile(file.open(), pre_buffer=True)


def read_parquet(file: Place, columns: list[str], row_groups: list[int]) -> Iterator[ApplicationBatch]:
    """Read some row groups of a Parquet file.

    Raises:
        DataError: it cannot be read.
    """
    with reading(file), parquet_file(file) as source:
        for batch in source.iter_batches(ROWS, row_groups=row_groups, columns=columns):
            yield ApplicationBatch(pa.Table.from_batches([batch]), batch.num_rows, np.arange(batch.num_rows))


def csv_header(file: Place) -> list[str]:
    """Return the column names of a CSV file.

    Raises:
        DataError: it cannot be read, or is empty.
    """
    with reading(file), io.TextIOWrapper(_stream(file), encoding="utf-8-sig", newline="") as text:
        header = next(csv.reader(text), None)
    if not header:
        raise DataError(f"{file.shown} is empty")
    return header


def read_csv(file: Place, columns: Mapping[str, pa.DataType]) -> Iterator[ApplicationBatch]:
    """Read a CSV file, comma-separated with a line of column names, gzipped or not.

    An empty cell is null. Rows that are wrong in themselves are among the unreadable ones: another
    number of cells than the header, or a text where a number should be.

    Args:
        file: the file.
        columns: the columns to read, and what each holds: text, int64 or float64.

    Raises:
        DataError: it cannot be read.
    """
    torn: deque[Torn] = deque()

    def skip(row: Any) -> str:
        message = f"Row should have {row.expected_columns} cells, has {row.actual_columns}"
        # The header is number 1.
        torn.append((row.number - 2, FieldError(field="(row)", rule="cells", message=message)))
        return "skip"

    with reading(file), _stream(file) as stream:
        reader = pacsv.open_csv(
            stream,
            # Rows are numbered by one thread only.
            read_options=pacsv.ReadOptions(use_threads=False, block_size=BLOCK),
            parse_options=pacsv.ParseOptions(newlines_in_values=True, invalid_row_handler=skip),
            convert_options=pacsv.ConvertOptions(
                include_columns=list(columns),
                column_types=dict.fromkeys(columns, pa.string()),
                strings_can_be_null=True,
                null_values=[""],
            ),
        )
        start = 0
        for batch in reader:
            positions, skipped = _place_rows(batch.num_rows, start, torn)
            table, unreadable = _numbers(pa.Table.from_batches([batch]), columns, positions)
            rows = batch.num_rows + len(skipped)
            yield ApplicationBatch(table, rows, positions, sorted(skipped + unreadable, key=lambda error: error.index))
            start += rows
        if torn:
            # They stand behind the last good row.
            errors = [RowError(index=number - start, errors=[error]) for number, error in torn]
            empty = pa.table({name: pa.array([], kind) for name, kind in columns.items()})
            yield ApplicationBatch(empty, len(errors), np.empty(0, dtype=np.int64), errors)


def _stream(file: Place) -> Any:
    compression = "gzip" if file.suffix == CSV_GZIP else None
    if file.local is not None:
        return pa.input_stream(str(file.local), compression=compression)
    return pa.input_stream(file.system.open(file.path, "rb"), compression=compression)


def _place_rows(count: int, start: int, torn: deque[Torn]) -> tuple[NDArray[np.int64], list[RowError]]:
    """Return positions of the next `count` whole rows, and the torn rows between them, which leave `torn`."""
    skipped: list[RowError] = []
    while torn and torn[0][0] - start < count + len(skipped):
        number, error = torn.popleft()
        skipped.append(RowError(index=number - start, errors=[error]))
    return np.delete(np.arange(count + len(skipped)), [row.index for row in skipped]), skipped


def _numbers(
    table: pa.Table, columns: Mapping[str, pa.DataType], positions: NDArray[np.int64]
) -> tuple[pa.Table, list[RowError]]:
    """Return the table with its texts as numbers where numbers should be, and the cells that are none."""
    failed: dict[int, list[FieldError]] = {}
    for place, (name, kind) in enumerate(columns.items()):
        if kind == pa.string():
            continue
        column = table.column(name)
        try:
            numbers = column.cast(kind)
        except pa.ArrowInvalid:
            column = pc.utf8_trim_whitespace(column)
            wrong = np.array([not _is(cell, kind) for cell in column])
            numbers = pc.if_else(pa.array(wrong), None, column).cast(kind)
            rule, message = PARSING[kind]
            for row in np.flatnonzero(wrong).tolist():
                failed.setdefault(row, []).append(FieldError(field=name, rule=rule, message=message))
        table = table.set_column(place, name, numbers)
    return table, [RowError(index=int(positions[row]), errors=errors) for row, errors in failed.items()]


def _is(cell: pa.Scalar, kind: pa.DataType) -> bool:
    try:
        cell.cast(kind)
    except pa.ArrowInvalid:
        return False
    return True


class TableWriter:
    """A table that grows batch by batch, as Parquet or CSV.

    Args:
        path: the file.
        suffix: `.parquet` or `.csv`.
        schema: its columns.
    """

    def __init__(self, path: Path, suffix: str, schema: pa.Schema) -> None:
        self._schema = schema
        self._waiting: list[pa.Table] = []
        self._parquet = suffix == PARQUET
        if self._parquet:
            repeating = [name for name in schema.names if name in REPEATING]
            encodings = {"row": "DELTA_BINARY_PACKED"}
            self._writer = pq.ParquetWriter(path, schema, use_dictionary=repeating, column_encoding=encodings)
        else:
            self._writer = pacsv.CSVWriter(path, schema)

    def write(self, table: pa.Table) -> None:
        """Add rows; they are written when there are enough for a row group."""
        self._waiting.append(table)
        if sum(len(waiting) for waiting in self._waiting) >= GROUP_ROWS:
            self._flush()

    def close(self, facts: Mapping[str, str]) -> None:
        """Finish the file; a Parquet file keeps the facts in its metadata, a CSV file has no place for them."""
        self._flush()
        if self._parquet:
            self._writer.add_key_value_metadata(dict(facts))
        self._writer.close()

    def _flush(self) -> None:
        table = pa.concat_tables([self._schema.empty_table(), *self._waiting])
        self._waiting.clear()
        if table.num_rows:
            self._writer.write_table(table)


GROUP_ROWS = 1 << 19
"""Rows of an output row group, but for the last batch that goes into it."""

REPEATING = frozenset({"points", "band", "decision", "field", "rule", "message"})
"""Output columns of few different values."""
