"""Column names of a table, by a contract whose fields go by two names each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from scoring.application import FieldRule
from scoring.errors import FieldError


def names_of(rules: Iterable[FieldRule]) -> dict[str, str]:
    """Return the data set's column of every name that a column may go by: its own and that of its field."""
    return {name: rule.column for rule in rules for name in (rule.field, rule.column)}


@dataclass(frozen=True, slots=True)
class MatchedColumns:
    """The columns of a table by the names of a contract."""

    by_column: Mapping[str, str]
    """The table's own name of each column of the contract that it has."""
    doubled: list[FieldError]
    """An error for each name of the table that stands for a column which has stood there before."""
    unknown: list[str]
    """Names of the table that the contract does not know."""


def match_columns(names: Sequence[str], known: Mapping[str, str]) -> MatchedColumns:
    """Match the names of a table's columns, in order, with those of a contract.

    Args:
        names: of the table.
        known: the contract's column of every name that it goes by, as `names_of` returns them.
    """
    by_column: dict[str, str] = {}
    doubled: list[FieldError] = []
    unknown: list[str] = []
    for name in names:
        column = known.get(name)
        if column is None:
            unknown.append(name)
        elif column in by_column:
            doubled.append(FieldError(field=name, rule="duplicate", message=_twice(by_column[column], name)))
        else:
            by_column[column] = name
    return MatchedColumns(by_column, doubled, unknown)


def _twice(first: str, second: str) -> str:
    return "Column is given twice" if first == second else f"Column is given twice, as {first} and as {second}"
