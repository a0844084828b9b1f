"""A CSV file of a source: its columns, their types by all of their values, and its rows in those types."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa
from fsspec.implementations.local import LocalFileSystem

from scoring.expected import DataError
from scoring.tables.batches import whole
from scoring.tables.csv import read_csv, read_typed_csv
from scoring.tables.csv_head import CsvHead, read_head
from scoring.tables.csv_text import CsvText
from scoring.tables.header import Expected
from scoring.tables.names import match_columns
from scoring.tables.numbers import written_numbers
from scoring.tables.places import Place
from scoring.tables.sniff import sniff
from training.sources.fetch import FetchedFile

CANDIDATES = (pa.int64(), pa.float64(), pa.string())
"""The types that a column of text may have; it gets the first that all of its values have."""


@dataclass(frozen=True)
class CsvSource:
    """A CSV file, its first lines read."""

    text: CsvText
    head: CsvHead
    columns: tuple[str, ...]
    """The columns that are taken in."""

    @property
    def notes(self) -> tuple[str, ...]:
        """Sentences about the way in which it is read."""
        return (*self.head.notes, *self.head.header.notes)

    def types(self) -> dict[str, pa.DataType]:
        """Return the type of every column, from a first pass over the whole file as text.

        Raises:
            DataError: a row has another number of cells than there are names, or a quote is not closed.
            pa.ArrowException: it is no CSV file.
        """
        remaining = {name: list(CANDIDATES) for name in self.columns}
        for batch in whole(read_csv(self.text, self.head, self.columns)):
            for name, candidates in remaining.items():
                values = batch.table.column(name)
                while candidates[0] != pa.string() and not _holds(values, candidates, self.head.dialect.decimal):
                    candidates.pop(0)
        return {name: candidates[0] for name, candidates in remaining.items()}

    def schema(self, types: Mapping[str, pa.DataType]) -> pa.Schema:
        """Return the columns with their types."""
        return pa.schema([(name, types[name]) for name in self.columns])

    def typed(self, types: Mapping[str, pa.DataType]) -> Iterator[pa.RecordBatch]:
        """Yield the rows with columns of these types, in batches.

        Raises:
            pa.ArrowException: it is no CSV file.
        """
        return read_typed_csv(self.text, self.head, types)


def open_csv(file: FetchedFile, expected: Expected) -> CsvSource:
    """Read the first lines of a fetched file.

    Raises:
        DataError: they hold something else than names of columns, or one name twice.
    """
    published = file.published
    place = Place(file.name, LocalFileSystem(), str(file.path))
    found = sniff(place, published.encoding)
    text = CsvText(place, found.gzipped, found.encoding or published.encoding)
    head = read_head(text, expected, published.dialect, published.columns, strict=False)
    names = [name for _, name in head.header.names]
    require_single(file.name, names)
    return CsvSource(text, head, tuple(name for name in names if name not in published.ignored))


def require_single(file: str, names: Sequence[str]) -> None:
    """Check that no column is there twice.

    Raises:
        DataError: one is.
    """
    if doubled := match_columns(names, {name: name for name in names}).doubled:
        raise DataError(f"{file}: {doubled[0].field}: {doubled[0].message}")


def _holds(values: pa.ChunkedArray, candidates: list[pa.DataType], decimal: str) -> bool:
    """Return whether the text can be of the first type. A whole number is a number too: Arrow alone would take 0x1F."""
    if written_numbers(values, decimal)[1] is not None:
        return False
    if candidates[0] == pa.int64():
        try:
            values.cast(pa.int64())
        except pa.ArrowInvalid:
            return False
    return True


def first_line(error: Exception) -> str:
    """Return the message without the text of the row, which the parser quotes: it is somebody's data."""
    return re.sub(r"(got \d+): .*", r"\1", (str(error).splitlines() or [type(error).__name__])[0])
