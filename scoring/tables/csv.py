"""CSV files, batch by batch, every cell as it is written; no file is ever in memory as a whole."""

from __future__ import annotations

import re
import sys
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv
from numpy.typing import NDArray

from scoring.errors import FieldError, RowError
from scoring.expected import DataError
from scoring.tables.batches import TableBatch
from scoring.tables.csv_head import CsvHead, line_of_row
from scoring.tables.csv_text import CsvText, TextStream

BLOCK = 4 << 20
"""Bytes of a batch; no row may be longer."""

Torn: TypeAlias = tuple[int, FieldError]
"""A row of another number of cells, by its place in the file."""


class _SwallowedError(Exception):
    """A quote that is not closed in its cell has taken lines into it; how many, 0 for more than a block."""

    def __init__(self, row: int, lines: int) -> None:
        super().__init__()
        self.row, self.lines = row, lines


def read_csv(text: CsvText, head: CsvHead, columns: Sequence[str]) -> Iterator[TableBatch]:
    """Read columns of a CSV file as text, below its line of names.

    A missing value is null. Rows of another number of cells than the header are among the unreadable ones.

    Args:
        text: the file.
        head: what is known of its beginning.
        columns: names to read, each once in the header.

    Raises:
        DataError: a quote is not closed, a column without a name holds values, or the text is in another encoding.
        pa.ArrowInvalid: it is no CSV file.
    """
    if not head.has_rows:
        return
    places = {name: str(place) for place, name in head.header.names}
    wanted = [places[name] for name in columns]
    try:
        for batch in _Reader(text, head, wanted).batches():
            table = batch.table.select(wanted).rename_columns(list(columns))
            yield replace(batch, table=table)
    except _SwallowedError as fault:
        taken = f"{fault.lines:,} more line{'s' if fault.lines > 1 else ''}" if fault.lines else f"{BLOCK >> 20} MiB"
        raise DataError(
            f"{text.file.shown}: line {line_of_row(text, head, fault.row):,}: a quote opens in this row and is not "
            f"closed in its cell, which takes in {taken}"
        ) from None
    except UnicodeDecodeError:
        raise text.fault() from None
    except pa.ArrowInvalid as error:
        if "invalid UTF8" in str(error):
            raise text.fault() from None
        raise


def read_typed_csv(text: CsvText, head: CsvHead, types: Mapping[str, pa.DataType]) -> Iterator[pa.RecordBatch]:
    """Read columns of a CSV file in the types that all of their values have, as a first pass by `read_csv` found.

    Raises:
        pa.ArrowInvalid: a value is not of its column's type, or it is no CSV file.
    """
    if not head.has_rows:
        return
    places = {name: str(place) for place, name in head.header.names}
    with text.open() as stream:
        options = _options(head, {places[name]: kind for name, kind in types.items()})
        for batch in pacsv.open_csv(pa.PythonFile(stream, mode="r"), **options):
            yield batch.rename_columns(list(types))


def _options(head: CsvHead, types: Mapping[str, pa.DataType]) -> dict[str, Any]:
    """Return Arrow's options for the columns of these places."""
    return {
        "read_options": pacsv.ReadOptions(
            block_size=BLOCK, column_names=[str(place) for place in range(len(head.given))], skip_rows=head.lines
        ),
        "parse_options": pacsv.ParseOptions(delimiter=head.dialect.separator, newlines_in_values=True),
        "convert_options": pacsv.ConvertOptions(
            include_columns=list(types),
            column_types=dict(types),
            strings_can_be_null=True,
            null_values=list(head.dialect.missing),
            decimal_point=head.dialect.decimal,
        ),
    }


class _Reader:
    """Reads all columns, since a quote that is not closed may stand in any; they are called by their places."""

    def __init__(self, text: CsvText, head: CsvHead, wanted: Sequence[str]) -> None:
        self._text = text
        self._head = head
        self._wanted = frozenset(wanted)
        self._blank = [str(place) for place in head.header.blank]
        self._columns = [*(str(place) for place, _ in head.header.names), *self._blank]
        self._torn: deque[Torn] = deque()
        self._swallowed: _SwallowedError | None = None

    def batches(self) -> Iterator[TableBatch]:
        start = 0
        with self._text.open() as stream:
            for found in self._arrow_batches(stream):
                table = pa.Table.from_batches([found])
                positions, skipped = _place_rows(table.num_rows, start, self._torn)
                if stream.quoted:
                    self._check_lines(table, start + positions)
                self._check_blank(table, start + positions)
                rows = table.num_rows + len(skipped)
                yield self._batch(table, rows, positions, skipped)
                start += rows
        if self._torn:
            # They stand behind the last good row.
            errors = [RowError(index=number - start, errors=[error]) for number, error in self._torn]
            empty = pa.table({name: pa.array([], pa.string()) for name in self._columns})
            yield self._batch(empty, len(errors), np.empty(0, dtype=np.int64), errors)

    def _batch(
        self, table: pa.Table, rows: int, positions: NDArray[np.int64], unreadable: list[RowError]
    ) -> TableBatch:
        decimal = self._head.dialect.decimal
        return TableBatch(table, rows, positions, self._text.file.shown, True, decimal, unreadable)

    def _arrow_batches(self, stream: TextStream) -> Iterator[pa.RecordBatch]:
        try:
            options = _options(self._head, dict.fromkeys(self._columns, pa.string()))
            # Rows are numbered by one thread only.
            options["read_options"].use_threads = False
            options["parse_options"].invalid_row_handler = self._skip
            yield from pacsv.open_csv(pa.PythonFile(stream, mode="r"), **options)
        except pa.ArrowInvalid as error:
            if self._swallowed is not None:
                raise self._swallowed from None
            if "straddl" in str(error):
                raise _SwallowedError(sys.maxsize, 0) from None
            raise

    def _skip(self, row: Any) -> str:
        """Take note of a row of another number of cells; one of several lines ends the reading."""
        number = row.number - self._head.lines - 1
        if lines := _line_ends(row.text):
            self._swallowed = _SwallowedError(number, lines)
            return "error"
        message = f"Row should have {row.expected_columns} cells, has {row.actual_columns}"
        self._torn.append((number, FieldError(field="(row)", rule="cells", message=message)))
        return "skip"

    def _check_lines(self, table: pa.Table, rows: NDArray[np.int64]) -> None:
        """Check that no cell has taken rows in: the first column's first one is named."""
        for name in table.column_names:
            column = table.column(name)
            if not any(_has_line_end(chunk) for chunk in column.chunks):
                continue
            for row in np.flatnonzero(pc.match_substring_regex(column, "[\r\n]").fill_null(False)).tolist():
                cell = column[row].as_py()
                if self._has_rows(cell, is_read=name in self._wanted):
                    raise _SwallowedError(int(rows[row]), _line_ends(cell))

    def _has_rows(self, cell: str, *, is_read: bool) -> bool:
        """Return whether a cell of several lines holds cells of other rows.

        No field's text has both a line end and a separator. A column that is not read may hold any text, but not
        lines that have as many cells as a row.
        """
        separator = self._head.dialect.separator
        if is_read:
            return separator in cell
        _, *inner, last = LINE_END.split(cell)
        full = len(self._head.given) - 1
        if inner:
            return full > 0 and all(line.count(separator) >= full for line in inner)
        return 0 < full == last.count(separator)

    def _check_blank(self, table: pa.Table, rows: NDArray[np.int64]) -> None:
        for name in self._blank:
            column = table.column(name)
            if column.null_count < len(column):
                row = int(rows[np.flatnonzero(column.is_valid())[0]])
                raise DataError(
                    f"{self._text.file.shown}: column {int(name) + 1} has no name in the header, and row {row:,} has a "
                    "value there"
                )


LINE_END = re.compile(r"\r\n|\r|\n")


def _line_ends(text: str) -> int:
    return len(LINE_END.findall(text.rstrip("\r\n")))


def _has_line_end(chunk: pa.Array) -> bool:
    data = chunk.buffers()[2]
    if data is None:
        return False
    content = data.to_pybytes()
    return b"\n" in content or b"\r" in content


def _place_rows(count: int, start: int, torn: deque[Torn]) -> tuple[NDArray[np.int64], list[RowError]]:
    """Return positions of the next `count` whole rows, and the torn rows between them, which leave `torn`."""
    skipped: list[RowError] = []
    while torn and torn[0][0] - start < count + len(skipped):
        number, error = torn.popleft()
        skipped.append(RowError(index=number - start, errors=[error]))
    return np.delete(np.arange(count + len(skipped)), [row.index for row in skipped]), skipped
