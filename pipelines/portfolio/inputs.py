"""Find the files of a portfolio, their columns, and the parts that they are read in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import pyarrow as pa

from scoring.errors import InvalidApplicationError
from scoring.expected import DataError
from scoring.frames import Frame
from scoring.scorecard import Scorecard
from scoring.tables.batches import TableBatch
from scoring.tables.csv_head import EmptyFileError
from scoring.tables.folders import Listing, list_files
from scoring.tables.header import Expected
from scoring.tables.names import names_of
from scoring.tables.places import CSV, CSV_GZIP, PARQUET, Place, place
from scoring.tables.sniff import ForeignFormError
from scoring.tables.table_file import TableFile, open_table

PART_ROWS = 1 << 20
"""Row groups are put together up to so many rows, so that small ones are not read one by one."""
MOST_NAMED = 20
"""Files that are named in a note each."""


@dataclass(frozen=True)
class RowGroup:
    """A piece of the input that is read by itself: some row groups of a Parquet file, or one CSV file."""

    table: TableFile
    columns: tuple[str, ...]
    """The columns that are read: the contract's and the key."""
    row_groups: tuple[int, ...] | None
    rows: int | None
    """None if only reading tells."""

    def read(self) -> Iterator[TableBatch]:
        """Read its rows in order.

        Raises:
            DataError: the file cannot be read.
        """
        return self.table.read(self.columns, self.row_groups)


@dataclass(frozen=True)
class Portfolio:
    """The parts of an input, in order, every file's columns checked."""

    shown: str
    parts: list[RowGroup]
    key: pa.Field | None
    """The key column, if the files have it."""
    files: list[Place]
    """Those that are read, in order."""
    folder: Place | None
    """The folder that they lie in, if one was named."""
    notes: list[str]
    """Lines about the way in which it is read."""

    @property
    def rows(self) -> int | None:
        """All rows; None if only reading tells."""
        counts = [part.rows for part in self.parts]
        return None if None in counts else sum(count for count in counts if count is not None)


def find(scorecard: Scorecard, frame: Frame, address: str) -> Portfolio:
    """Find the portfolio at an address: a file, or a folder, whose files are read in order of their paths.

    Raises:
        DataError: there is nothing, a file is of another kind or damaged, or its columns are not
            the scorecard's.
    """
    listing = list_files(place(address))
    tables, notes = _tables(scorecard, listing)
    shown = listing.files[0].shown if listing.folder is None else listing.folder.shown
    if not tables:
        raise DataError(f"{shown} holds no Parquet or CSV file: {'; '.join(_written(notes)) or 'it is empty'}")
    parts: list[RowGroup] = []
    keys: list[tuple[Place, pa.Field | None]] = []
    for file, table in tables:
        if table.rows == 0:
            continue  # as Spark and pandas write them, with columns of no type or of none at all
        columns, key, ignored = _columns(scorecard, frame, table)
        for note in (*table.notes, *ignored):
            notes.setdefault(note, []).append(file.shown)
        parts += _parts(table, columns)
        keys.append((file, key))
    if not parts:
        raise DataError(f"{shown} holds no rows")
    first = keys[0]
    for file, key in keys:
        if _kind(key) != _kind(first[1]):
            raise DataError(
                f"{file.shown}: {scorecard.key}: {_kind(key)}, but {_kind(first[1])} in {first[0].shown}; "
                "all files need the same"
            )
    return Portfolio(shown, parts, first[1], [file for file, _ in tables], listing.folder, _written(notes))


def _tables(scorecard: Scorecard, listing: Listing) -> tuple[list[tuple[Place, TableFile]], dict[str, list[str]]]:
    """Return the files that hold tables, and the others by what is said of them."""
    names = {**names_of(scorecard.rules), scorecard.key: scorecard.key, scorecard.target: scorecard.target}
    expected = Expected(scorecard.name, names)
    notes: dict[str, list[str]] = {}
    if listing.folder is None:
        (file,) = listing.files
        return [(file, open_table(file, expected, scorecard.dialect))], notes
    if listing.markers:
        notes["is not read, since its name begins with _ or ."] = [marker.shown for marker in listing.markers]
    tables = []
    for file in listing.files:
        try:
            tables.append((file, open_table(file, expected, scorecard.dialect)))
        except EmptyFileError:
            notes.setdefault("is empty", []).append(file.shown)
        except ForeignFormError as error:
            if file.suffix in (PARQUET, CSV, CSV_GZIP):
                raise
            notes.setdefault(f"is not read, since it {error.reason}", []).append(file.shown)
    return tables, notes


def _written(notes: Mapping[str, list[str]]) -> list[str]:
    """Return a line for each file and note; of a note about many files, the first ones and how many more there are."""
    lines = []
    for note, files in notes.items():
        lines += [f"{file}: {note}" for file in files[:MOST_NAMED]]
        if len(files) > MOST_NAMED:
            lines.append(f"{len(files) - MOST_NAMED:,} more files: {note}")
    return lines


def _parts(table: TableFile, columns: tuple[str, ...]) -> list[RowGroup]:
    if table.counts is None:
        return [RowGroup(table, columns, None, None)]
    parts: list[RowGroup] = []
    groups: list[int] = []
    rows = 0
    for group, count in enumerate(table.counts):
        if groups and rows + count > PART_ROWS:
            parts.append(RowGroup(table, columns, tuple(groups), rows))
            groups, rows = [], 0
        groups.append(group)
        rows += count
    if groups:
        parts.append(RowGroup(table, columns, tuple(groups), rows))
    return parts


def _columns(
    scorecard: Scorecard, frame: Frame, table: TableFile
) -> tuple[tuple[str, ...], pa.Field | None, list[str]]:
    """Return the columns to read of a file, its key, and notes on those that scoring has no use for."""
    for name in (scorecard.key, scorecard.target):
        if table.schema.names.count(name) > 1:
            raise DataError(f"{table.shown}: {name}: Column is given twice")
    fields = [field for field in table.schema if field.name not in scorecard.ignored | {scorecard.target}]
    try:
        checked = [field for field in fields if field.name != scorecard.key or scorecard.key in scorecard.columns]
        frame.check_schema(pa.schema(checked))
    except InvalidApplicationError as error:
        raise DataError(f"{table.shown}: {error}") from None
    key = next((pa.field(field.name, field.type) for field in fields if field.name == scorecard.key), None)
    if key is not None and table.as_text and _is_whole(scorecard, key.name):
        key = pa.field(key.name, pa.int64())
    reasons = {**dict.fromkeys(scorecard.ignored, "ignored by the source"), scorecard.target: "the outcome"}
    notes = [
        f"its column {name} is {reasons[name]}, which is not read"
        for name in dict.fromkeys(table.schema.names)
        if name in reasons
    ]
    return tuple(field.name for field in fields), key, notes


def _is_whole(scorecard: Scorecard, key: str) -> bool:
    """Return whether the key of a CSV file goes out as a whole number; another one stays as it is written."""
    return any(rule.column == key and rule.kind == "integer" for rule in scorecard.rules)


def _kind(key: pa.Field | None) -> str:
    return "no such column" if key is None else str(key.type)
