"""Consecutive rows of a table, and the rows among them that could not be read."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from scoring.errors import RowError
from scoring.expected import DataError
from scoring.tables.places import PARQUET, Place, one_line


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
