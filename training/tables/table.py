"""One raw table as data: columns with their types, ranges, choices and sentinels, and its keys.

The columns stand in a CSV file, one line each, from which both the contract and the generator are driven:

    column    the name in the raw table
    kind      integer, number or text
    missing   share of rows without a value; 0 where none may be missing
    minimum, maximum    of integers and numbers, both included
    sentinel  a value beyond the range that stands for "none"; as `365243 with OTHER=VALUE`, only in rows
              where column OTHER is VALUE
    typical   what the generator centres on: the share of ones of a flag, otherwise the median; may be empty
    choices   of texts, each with its share of the rows that have one: `Cash loans=0.905|Revolving loans=0.095`
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import pandas as pd
import pandera.pandas as pa
from pyarrow import Table

from scoring.application import FieldRule, Kind
from training.tables.typed import typed_frame


@dataclass(frozen=True)
class Sentinel:
    """A value that stands for "none"; with `column` and `text`, only in rows where that column has that text."""

    value: float
    column: str | None = None
    text: str | None = None


@dataclass(frozen=True)
class Column:
    """One column of a raw table, in the parts named at the top of this module."""

    name: str
    kind: Kind
    missing: float
    minimum: float | None
    maximum: float | None
    sentinel: Sentinel | None
    typical: float | None
    choices: dict[str, float]


@dataclass(frozen=True)
class ForeignKey:
    """A column whose values are keys of another table, except for at most a share of the rows."""

    column: str
    table: str
    orphan_share: float = 0.0


@dataclass(frozen=True)
class RawTable:
    """A raw table's contract: the schema of its rows, what is unique in it, and where its keys lead."""

    name: str
    columns: tuple[Column, ...]
    schema: pa.DataFrameSchema
    unique: tuple[str, ...] = ()
    foreign_keys: tuple[ForeignKey, ...] = ()


def raw_table(path: Path, unique: Sequence[str] = (), foreign_keys: Sequence[ForeignKey] = ()) -> RawTable:
    """Return the table that `path` describes; its name is the file's."""
    columns = read_columns(path)
    return RawTable(path.stem, columns, schema(columns), tuple(unique), tuple(foreign_keys))


def read_columns(path: Path) -> tuple[Column, ...]:
    """Return the columns in the order of the file."""
    with path.open(newline="", encoding="utf-8") as file:
        return tuple(_column(line) for line in csv.DictReader(file))


def _column(line: dict[str, str]) -> Column:
    choices = dict(choice.rsplit("=", 1) for choice in line["choices"].split("|")) if line["choices"] else {}
    return Column(
        name=line["column"],
        kind=cast("Kind", line["kind"]),
        missing=float(line["missing"]),
        minimum=_number(line["minimum"]),
        maximum=_number(line["maximum"]),
        sentinel=_sentinel(line["sentinel"]),
        typical=_number(line["typical"]),
        choices={text: float(share) for text, share in choices.items()},
    )


def _number(text: str) -> float | None:
    return float(text) if text else None


def _sentinel(text: str) -> Sentinel | None:
    if not text:
        return None
    value, _, where = text.partition(" with ")
    column, _, allowed = where.partition("=")
    return Sentinel(float(value), column or None, allowed or None)


def schema(columns: Sequence[Column]) -> pa.DataFrameSchema:
    """Return the contract of each row, for a frame that has been through `typed`; other columns break it."""
    rules = [_sentinel_rule(column.name, column.sentinel) for column in columns if column.sentinel]
    return pa.DataFrameSchema(
        {column.name: _rules(column) for column in columns},
        checks=[rule for rule in rules if rule is not None],
        strict=True,
        unique_column_names=True,
    )


def _rules(column: Column) -> pa.Column:
    checks = []
    if column.choices:
        # Pandera's own checks ignore a name of ours.
        checks.append(pa.Check(lambda values: values.isin(list(column.choices)), name="a known choice"))
    if column.minimum is not None and column.maximum is not None:
        checks.append(_range(column.minimum, column.maximum, column.sentinel))
    if column.kind == "integer" and column.missing:
        checks.append(pa.Check(_whole, name="whole numbers"))
    # Pandas has no missing whole number but float's.
    kinds = {"integer": float if column.missing else int, "number": float, "text": object}
    return pa.Column(kinds[column.kind], checks, nullable=column.missing > 0, name=column.name)


def _range(minimum: float, maximum: float, sentinel: Sentinel | None) -> pa.Check:
    name = f"{minimum:.10g} to {maximum:.10g}"
    if sentinel is None:
        return pa.Check(lambda values: values.between(minimum, maximum), name=name)
    value = sentinel.value
    return pa.Check(lambda values: values.between(minimum, maximum) | (values == value), name=f"{name} or {value:.10g}")


def _whole(values: pd.Series) -> pd.Series:
    return cast("pd.Series", values % 1 == 0)


def _sentinel_rule(name: str, sentinel: Sentinel | None) -> pa.Check | None:
    if sentinel is None or sentinel.column is None:
        return None
    value, column, text = sentinel.value, sentinel.column, sentinel.text
    return pa.Check(
        lambda frame: (frame[name] != value) | (frame[column] == text),
        name=f"{value:.10g} only where {column} is {text}",
        title=name,
    )


def typed(table: RawTable, rows: Table) -> pd.DataFrame:
    """Return the same rows with columns of the contract's types, where no value would change.

    Raises:
        DataError: a column is there twice.
    """
    return typed_frame(rows, {column.name: _rule(column) for column in table.columns})


def _rule(column: Column) -> FieldRule:
    return FieldRule(column.name, column.name, column.kind, required=not column.missing, choices=tuple(column.choices))
