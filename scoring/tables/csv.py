"""CSV files, batch by batch, every cell as it is written; no file is ever in memory as a whole."""

from __future__ import annotations

import csv
import io
from collections import deque
from collections.abc import Iterator, Sequence
from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.csv as pacsv
from numpy.typing import NDArray

from scoring.errors import FieldError, RowError
from scoring.expected import DataError
from scoring.tables.batches import TableBatch, reading
from scoring.tables.places import CSV_GZIP, Place

BLOCK = 4 << 20
"""Bytes of a batch; no row may be longer."""

Torn: TypeAlias = tuple[int, FieldError]
"""A row of another number of cells, by its place in the file."""


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


def read_csv(file: Place, columns: Sequence[str]) -> Iterator[TableBatch]:
    """Read columns of a CSV file as text: comma-separated with a line of column names, gzipped or not.

    An empty cell is null. Rows of another number of cells than the header are among the unreadable ones.

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
            rows = batch.num_rows + len(skipped)
            table = pa.Table.from_batches([batch])
            yield TableBatch(table, rows, positions, file.shown, as_text=True, unreadable=skipped)
            start += rows
        if torn:
            # They stand behind the last good row.
            errors = [RowError(index=number - start, errors=[error]) for number, error in torn]
            empty = pa.table({name: pa.array([], pa.string()) for name in columns})
            nowhere = np.empty(0, dtype=np.int64)
            yield TableBatch(empty, len(errors), nowhere, file.shown, as_text=True, unreadable=errors)


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
