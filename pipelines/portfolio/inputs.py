"""Find the files of a portfolio, their columns, and the parts that they are read in."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pyarrow as pa

from scoring.errors import InvalidApplicationError
from scoring.expected import DataError
from scoring.frames import Frame
from scoring.scorecard import Scorecard
from scoring.tables.batches import TableBatch, reading
from scoring.tables.csv import csv_header, read_csv
from scoring.tables.parquet import parquet_file, read_parquet
from scoring.tables.places import CSV, CSV_GZIP, PARQUET, Place, one_line, place

PART_ROWS = 1 << 20
"""Row groups are put together up to so many rows, so that small ones are not read one by one."""


@dataclass(frozen=True)
class RowGroup:
    """A piece of the input that is read by itself: some row groups of a Parquet file, or one CSV file."""

    address: str
    columns: dict[str, pa.DataType]
    """The columns that are read, by the file's own names: the contract's and the key."""
    row_groups: list[int] | None
    rows: int | None
    """None if only reading tells."""

    def read(self) -> Iterator[TableBatch]:
        """Read its rows in order.

        Raises:
            DataError: the file cannot be read.
        """
        file = place(self.address)
        if self.row_groups is None:
            return read_csv(file, list(self.columns))
        return read_parquet(file, list(self.columns), self.row_groups)


@dataclass(frozen=True)
class Portfolio:
    """The parts of an input, in order, every file's columns checked."""

    shown: str
    parts: list[RowGroup]
    key: pa.Field | None
    """The key column, if the files have it."""
    files: list[str]
    """Addresses, in order."""
    folder: Place | None
    """The folder that they lie in, if one was named."""

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
    root = place(address)
    parts: list[RowGroup] = []
    keys: list[tuple[Place, pa.Field | None]] = []
    files = _files(root)
    for file in files:
        found, key = _parts(scorecard, frame, file)
        parts += found
        keys.append((file, key))
    if not parts:
        raise DataError(f"{root.shown} holds no rows")
    first = keys[0]
    for file, key in keys:
        if _kind(key) != _kind(first[1]):
            raise DataError(
                f"{file.shown}: {scorecard.key}: {_kind(key)}, but {_kind(first[1])} in {first[0].shown}; "
                "all files need the same"
            )
    folder = None if [file.path for file in files] == [root.path] else root
    return Portfolio(root.shown, parts, first[1], [file.address for file in files], folder)


def _files(root: Place) -> list[Place]:
    try:
        folder = root.system.isdir(root.path)
        there = folder or root.system.exists(root.path)
        paths = sorted(root.system.find(root.path)) if folder else [root.path]
    except Exception as error:  # each file system behind fsspec has its own exceptions
        raise DataError(f"cannot read {root.shown}: {one_line(error)}") from error
    if not there:
        raise DataError(f"there is no {root.shown}")
    files = [root.sibling(path) for path in paths if not _hidden(path, root.path)] if folder else [root]
    if not files:
        raise DataError(f"{root.shown} holds no files")
    for file in files:
        if file.suffix not in (PARQUET, CSV, CSV_GZIP):
            raise DataError(f"{file.shown} is neither {PARQUET} nor {CSV} nor {CSV_GZIP}")
    return files


def _hidden(path: str, root: str) -> bool:
    """Return whether a path below the root is a marker, as _SUCCESS, or a file that is still written."""
    return any(part.startswith(("_", ".")) for part in path[len(root) :].split("/"))


def _parts(scorecard: Scorecard, frame: Frame, file: Place) -> tuple[list[RowGroup], pa.Field | None]:
    if file.suffix != PARQUET:
        columns, key = _columns(scorecard, frame, file, _csv_schema(scorecard, csv_header(file)))
        return [RowGroup(file.address, columns, None, None)], key
    with reading(file), parquet_file(file) as source:
        metadata = source.metadata
        schema = source.schema_arrow
        counts = [metadata.row_group(group).num_rows for group in range(metadata.num_row_groups)]
    columns, key = _columns(scorecard, frame, file, schema)
    parts: list[RowGroup] = []
    groups: list[int] = []
    rows = 0
    for group, count in enumerate(counts):
        if groups and rows + count > PART_ROWS:
            parts.append(RowGroup(file.address, columns, groups, rows))
            groups, rows = [], 0
        groups.append(group)
        rows += count
    if groups:
        parts.append(RowGroup(file.address, columns, groups, rows))
    return parts, key


def _csv_schema(scorecard: Scorecard, header: list[str]) -> pa.Schema:
    """Return the type of each column of a CSV file.

    Cells are text, and a key that is no field stays as it is written, zeros in front and all; one that is a whole
    number by the contract goes out as one.
    """
    whole = {rule.column for rule in scorecard.rules if rule.column == scorecard.key and rule.kind == "integer"}
    return pa.schema([(name, pa.int64() if name in whole else pa.string()) for name in header])


def _columns(
    scorecard: Scorecard, frame: Frame, file: Place, schema: pa.Schema
) -> tuple[dict[str, pa.DataType], pa.Field | None]:
    """Return the columns to read of a file: all but the target, which scoring has no use for."""
    for name in (scorecard.key, scorecard.target):
        if schema.names.count(name) > 1:
            raise DataError(f"{file.shown}: {name}: Column is given twice")
    fields = [field for field in schema if field.name != scorecard.target]
    try:
        checked = [field for field in fields if field.name != scorecard.key or scorecard.key in scorecard.columns]
        frame.check_schema(pa.schema(checked))
    except InvalidApplicationError as error:
        raise DataError(f"{file.shown}: {error}") from None
    key = next((pa.field(field.name, field.type) for field in fields if field.name == scorecard.key), None)
    return {field.name: field.type for field in fields}, key


def _kind(key: pa.Field | None) -> str:
    return "no such column" if key is None else str(key.type)
