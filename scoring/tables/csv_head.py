"""The beginning of a CSV file: its separator, its line of names, and where its rows begin."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from scoring.expected import DataError
from scoring.tables.csv_text import LINE, LINE_ENDS, CsvText
from scoring.tables.dialect import Dialect
from scoring.tables.header import Expected, Header, read_names
from scoring.tables.sniff import ForeignFormError

LONGEST_HEADER = 1 << 20
"""Bytes of text that are looked at for the line of names."""
SAMPLE = 100
"""Lines in which a decimal comma is looked for."""
SEPARATORS = {",": "','", ";": "';'", "\t": "tabs", "|": "'|'"}
SEPARATOR_LINE = re.compile(r'"?sep=(.)"?\s*', re.IGNORECASE)
"""The line by which Excel is told of a separator."""
DECIMAL_COMMA = re.compile(r"[+-]?\d+,\d+")


class EmptyFileError(DataError):
    """A file holds nothing, not even names of columns."""


@dataclass(frozen=True)
class CsvHead:
    """The beginning of a CSV file."""

    given: tuple[str, ...]
    """The names of the columns as they are written."""
    header: Header
    dialect: Dialect
    start: int
    """The byte of the text that the rows begin at."""
    lines: int
    """The lines before it."""
    has_rows: bool
    notes: tuple[str, ...]


def read_head(
    text: CsvText, expected: Expected, dialect: Dialect, names: Sequence[str] = (), *, strict: bool = True
) -> CsvHead:
    """Return the beginning of a file.

    Another separator than the dialect's is taken where a line of the file says it, or where the line of names has
    expected columns by that one and by no other.

    Args:
        text: the file.
        expected: the columns that are looked for.
        dialect: how the file is written, if it does not tell.
        names: of the columns, for a file without a line of them.
        strict: whether one of the expected columns must be there; else any names will do.

    Raises:
        EmptyFileError: there is nothing in it.
        DataError: its first line names none of the expected columns; the message says what it looks like.
    """
    shown = text.file.shown
    with text.open() as stream:
        try:
            data = stream.read(LONGEST_HEADER)
        except UnicodeDecodeError:
            raise text.fault() from None
    lines = _Lines(data, text, whole=len(data) < LONGEST_HEADER)
    lines.skip_blank()
    notes: list[str] = []
    if (said := SEPARATOR_LINE.fullmatch(lines.next())) is not None:
        dialect = _with_separator(dialect, said.group(1))
        lines.skip(1)
        lines.skip_blank()
    if lines.at_end:
        raise EmptyFileError(f"{shown} is empty")
    if names:
        header = read_names(names, expected)
        return CsvHead(tuple(names), header, dialect, lines.start, lines.count, has_rows=True, notes=())
    if not expected.count(lines.row(dialect.separator)):
        found = _found_dialect(shown, lines, expected, dialect, strict=strict)
        if found != dialect:
            notes.append(f"its cells are separated by {SEPARATORS[found.separator]}")
            dialect = found
    given = lines.row(dialect.separator)
    lines.skip_row(dialect.separator)
    lines.skip_blank()
    _check_second_line(shown, lines, expected, dialect, given)
    _check_decimals(shown, lines, expected, dialect, given)
    header = read_names(given, expected)
    return CsvHead(
        tuple(given), header, dialect, lines.start, lines.count, has_rows=not lines.at_end, notes=tuple(notes)
    )


class _Lines:
    """The first lines of a text, of which some have been read."""

    def __init__(self, data: bytes, text: CsvText, *, whole: bool) -> None:
        found = [match.group() for match in LINE.finditer(data) if match.group()]
        if not whole and len(found) < 2:
            raise ForeignFormError(text.file.shown, "has a first line of more than 1 MiB: it is no CSV file")
        # The last one may be cut off.
        self._lines = found if whole else found[:-1]
        self._text = text
        self._whole = whole
        self.count = 0
        self.start = 0

    @property
    def at_end(self) -> bool:
        """Whether no line is left, nor more than these lines."""
        return self._whole and self.count == len(self._lines)

    def skip_blank(self) -> None:
        while self.count < len(self._lines) and not self._lines[self.count].strip(LINE_ENDS):
            self.skip(1)

    def next(self) -> str:
        """Return the next line without its end, empty at the end."""
        return next(self._decoded(), "").rstrip("\r\n")

    def skip(self, lines: int) -> None:
        self.start += sum(map(len, self._lines[self.count : self.count + lines]))
        self.count += lines

    def row(self, separator: str) -> list[str]:
        """Return the cells of the next row."""
        return next(self.rows(separator), [])

    def skip_row(self, separator: str) -> None:
        reader = csv.reader(self._decoded(), delimiter=separator)
        next(reader, None)
        self.skip(reader.line_num)

    def rows(self, separator: str) -> Iterator[list[str]]:
        try:
            yield from csv.reader(self._decoded(), delimiter=separator)
        except csv.Error as error:
            raise ForeignFormError(self._text.file.shown, f"cannot be read as CSV: {error}") from None

    def _decoded(self) -> Iterator[str]:
        for line in self._lines[self.count : self.count + SAMPLE]:
            try:
                yield line.decode()
            except UnicodeDecodeError:
                raise self._text.fault() from None


def _with_separator(dialect: Dialect, separator: str) -> Dialect:
    """Return the dialect with another separator; a comma that separates is no decimal mark."""
    return replace(dialect, separator=separator, decimal="." if separator == "," else dialect.decimal)


def _found_dialect(shown: str, lines: _Lines, expected: Expected, dialect: Dialect, *, strict: bool) -> Dialect:
    """Return the dialect with the separator that the line of names has; as it was, if any names will do."""
    found = [separator for separator in SEPARATORS if expected.count(lines.row(separator))]
    if len(found) == 1:
        return _with_separator(dialect, found[0])
    rows = lines.rows(dialect.separator)
    next(rows, None)
    if expected.count(next(rows, [])):
        raise _two_headers(shown, expected)
    first = lines.next().lstrip()
    form = {"{": "JSON", "[": "JSON", "<": "HTML or XML"}.get(first[:1])
    if form is not None:
        raise ForeignFormError(shown, f"looks like {form}: save its table as CSV (UTF-8) or Parquet")
    if not strict:
        return dialect
    raise ForeignFormError(shown, f"has none of the columns of {expected.of} in its first line")


def _check_second_line(shown: str, lines: _Lines, expected: Expected, dialect: Dialect, given: Sequence[str]) -> None:
    if expected.count(lines.row(dialect.separator)) > expected.count(given):
        raise _two_headers(shown, expected)


def _two_headers(shown: str, expected: Expected) -> DataError:
    return ForeignFormError(
        shown, f"has two lines of names, and those of {expected.of} are in the second: remove the first line"
    )


def _check_decimals(shown: str, lines: _Lines, expected: Expected, dialect: Dialect, given: Sequence[str]) -> None:
    """Check that numbers have no decimal comma that nobody has declared; a cell's own comma is quoted otherwise."""
    if "," in (dialect.separator, dialect.decimal):
        return
    named = expected.rename(given)
    for row in lines.rows(dialect.separator):
        for name, cell in zip(named, row, strict=False):
            if name in expected.columns and DECIMAL_COMMA.fullmatch(cell.strip()):
                raise DataError(
                    f"{shown}: {name} has a comma in a number: save numbers with a decimal point, or declare the "
                    "decimal mark in the source"
                )


def line_of_row(text: CsvText, head: CsvHead, wanted: int) -> int:
    """Return the number, from 1, of the line that a row begins in; slow, for messages."""
    with text.open(head.start) as stream:
        reader = csv.reader(
            (line.decode(errors="replace") for line in stream.lines()), delimiter=head.dialect.separator
        )
        row = -1
        line = 0
        while row < wanted:
            line = head.lines + reader.line_num + 1
            try:
                row += bool(next(reader))
            except (StopIteration, csv.Error):  # a cell of more than 128 KiB, which is the one
                break
        return line
