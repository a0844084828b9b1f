"""A table in a file, of any form that is read here: its columns by a contract's names, and its rows in batches."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import pyarrow as pa

from scoring.expected import DataError
from scoring.tables.batches import TableBatch
from scoring.tables.csv import read_csv
from scoring.tables.csv_head import CsvHead, EmptyFileError, read_head
from scoring.tables.csv_text import CsvText
from scoring.tables.dialect import Dialect
from scoring.tables.header import Expected, read_names
from scoring.tables.parquet import parquet_file, read_parquet
from scoring.tables.places import Place, kind_of, no_file, one_line, place
from scoring.tables.sniff import ForeignFormError, sniff


@dataclass(frozen=True)
class CsvLayout:
    """The way to the text of a CSV file, and its beginning."""

    gzipped: bool
    encoding: str
    head: CsvHead


@dataclass(frozen=True)
class TableFile:
    """A file of rows, its first bytes read."""

    address: str
    """From any folder."""
    shown: str
    schema: pa.Schema
    """The columns that have names, in order, by the contract's names; text for a CSV file."""
    given: tuple[str, ...]
    """The names as the file has them, in the order of the schema."""
    counts: tuple[int, ...] | None
    """The rows of each row group; None if only reading tells."""
    notes: tuple[str, ...]
    """Sentences about the way in which it is read."""
    layout: CsvLayout | None
    """None for a Parquet file."""

    @property
    def rows(self) -> int | None:
        """All rows; None if only reading tells."""
        return None if self.counts is None else sum(self.counts)

    @property
    def as_text(self) -> bool:
        """Whether its batches hold cells as text."""
        return self.layout is not None

    def read(self, columns: Sequence[str], row_groups: Sequence[int] | None = None) -> Iterator[TableBatch]:
        """Read columns, in order of the rows.

        Args:
            columns: by the names of the schema.
            row_groups: of a Parquet file, those to read; all of them if not given.

        Raises:
            DataError: the file cannot be read, or has two columns of one of the names.
        """
        times = Counter(self.schema.names)
        for name in columns:
            if times[name] > 1:
                raise DataError(f"{self.shown}: {name}: Column is given twice")
        found = place(self.address)
        file = Place(self.shown, found.system, found.path)
        if self.layout is not None:
            text = CsvText(file, self.layout.gzipped, self.layout.encoding)
            with reading(file, "CSV"):
                yield from read_csv(text, self.layout.head, columns)
            return
        given = dict(zip(self.schema.names, self.given, strict=True))
        groups = range(len(self.counts or ())) if row_groups is None else row_groups
        with reading(file, "Parquet"):
            yield from read_parquet(file, {name: given[name] for name in columns}, groups)


def open_table(file: Place, expected: Expected, dialect: Dialect | None = None) -> TableFile:
    """Read the beginning of a file: its form and its columns.

    Args:
        file: the place of a Parquet or CSV file, gzipped or not, whatever its name.
        expected: the columns that are looked for.
        dialect: how a CSV file is written, if it does not tell.

    Raises:
        ForeignFormError: it is of another form, or has none of the expected columns; the message says what it looks
            like.
        EmptyFileError: it holds nothing at all.
        DataError: there is no such file, or it cannot be read.
    """
    dialect = dialect or Dialect()
    _check_file(file)
    with reading(file, "a table"):
        found = sniff(file, dialect.encoding)
    if found.form == "empty":
        raise EmptyFileError(f"{file.shown} is empty")
    if found.form == "parquet":
        return _open_parquet(file, expected)
    return _open_csv(CsvText(file, found.gzipped, found.encoding or dialect.encoding), expected, dialect)


def _open_parquet(file: Place, expected: Expected) -> TableFile:
    with reading(file, "Parquet"), parquet_file(file) as source:
        metadata, schema = source.metadata, source.schema_arrow
        counts = tuple(metadata.row_group(group).num_rows for group in range(metadata.num_row_groups))
    if any(counts) and not expected.count(schema.names):
        raise ForeignFormError(file.shown, f"has none of the columns of {expected.of}")
    header = read_names(schema.names, expected)
    fields = pa.schema([schema.field(at).with_name(name) for at, name in header.names])
    given = tuple(schema.names[at] for at, _ in header.names)
    return TableFile(file.absolute, file.shown, fields, given, counts, header.notes, None)


def _open_csv(text: CsvText, expected: Expected, dialect: Dialect) -> TableFile:
    file = text.file
    with reading(file, "CSV"):
        head = read_head(text, expected, dialect)
    fields = pa.schema([(name, pa.string()) for _, name in head.header.names])
    given = tuple(head.given[at] for at, _ in head.header.names)
    return TableFile(
        address=file.absolute,
        shown=file.shown,
        schema=fields,
        given=given,
        counts=None if head.has_rows else (),
        notes=(*head.notes, *head.header.notes),
        layout=CsvLayout(text.gzipped, text.encoding, head),
    )


def _check_file(file: Place) -> None:
    """Check that a local path is that of a file: to open a pipe may take for ever."""
    if file.local is None:
        return
    kind = kind_of(file.local)
    if not kind:
        raise DataError(f"there is no {file.shown}")
    if kind == "folder":
        raise DataError(f"{file.shown} is a folder, not a file")
    if kind != "file":
        raise no_file(file.shown, kind)


@contextmanager
def reading(file: Place, form: str) -> Iterator[None]:
    """Turn an error of reading the file into one line that names it."""
    try:
        yield
    except DataError:
        raise
    except FileNotFoundError:
        raise DataError(f"there is no {file.shown}") from None
    except PermissionError as error:
        raise DataError(f"cannot read {file.shown}: {error.strerror or one_line(error)}") from error
    except Exception as error:  # each file system behind fsspec has its own exceptions
        raise DataError(f"{file.shown} cannot be read as {form}: {one_line(error)}") from error
