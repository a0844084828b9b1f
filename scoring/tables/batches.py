"""Consecutive rows of a table, and the rows among them that could not be read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from scoring.errors import RowError
from scoring.expected import DataError


@dataclass(frozen=True)
class TableBatch:
    """Consecutive rows of the input."""

    table: pa.Table
    rows: int
    """All rows, those that are no rows of the table as well."""
    positions: NDArray[np.int64]
    """The position of each row of the table, counted from the batch's start."""
    shown: str
    """The file that they are from, as messages name it."""
    as_text: bool = False
    """Whether every column is text as a CSV file has it, an empty cell null; nothing is converted."""
    decimal: str = "."
    """The decimal mark of such text."""
    unreadable: list[RowError] = field(default_factory=list)
    """Rows of another number of cells than the header, by position; the table does not have them."""


def whole(batches: Iterable[TableBatch]) -> Iterator[TableBatch]:
    """Yield the batches, for a reader that has no place to name rows which the table does not have.

    Raises:
        DataError: a row has another number of cells than the header.
    """
    start = 0
    for batch in batches:
        if batch.unreadable:
            row = batch.unreadable[0]
            raise DataError(f"{batch.shown}: row {start + row.index:,}: {row.errors[0].message}")
        yield batch
        start += batch.rows
