"""Applications to columns: the arrays that a graph reads.

Work is by column: a list of applications, or an Arrow table, becomes arrays once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from scoring.application import Application, FieldRule
from scoring.errors import FieldError, InvalidApplicationError, RowError
from scoring.graph import Inputs
from scoring.history.store import EmptyHistory, HistoryStore
from scoring.scorecard import Scorecard
from scoring.tables.columns import ColumnValues, UnfitColumnError, read_column, type_fault
from scoring.tables.names import match_columns, names_of


@dataclass(frozen=True, slots=True)
class ReadTable:
    """The rows of a table, read by the rules of an application."""

    rows: int
    inputs: Inputs
    """The values of the good rows."""
    positions: NDArray[np.int64]
    """Where those stand in the table."""
    errors: list[RowError]
    """The broken rules of the other rows, in order; not of all rows, if that was asked for."""
    columns: Mapping[str, ColumnValues]
    """The values of all rows, by the data set's name of the column."""

    @property
    def broken(self) -> int:
        """Rows that break a rule."""
        return self.rows - len(self.positions)


class Frame:
    """The columns that one graph reads, and how to fill them.

    Args:
        scorecard: the product.
        columns: data set names of the graph's input columns: those of numbers, history last, then text.
        history: where the columns of history come from, as `history_columns` orders them; None for a scorecard
            without a history.
    """

    def __init__(self, scorecard: Scorecard, columns: Sequence[str], history: HistoryStore | None = None) -> None:
        by_column = {rule.column: rule for rule in scorecard.rules}
        past = history_columns(scorecard, columns)
        unknown = [column for column in columns if column not in by_column and column not in past]
        if unknown:
            raise ValueError(f"{scorecard.name} has no columns {unknown}, which the graph reads")
        if past and history is None:
            raise ValueError(f"{scorecard.name} needs a history for the {len(past)} columns from {past[0]} on")
        self.columns = tuple(columns)
        self.fields = scorecard.columns
        """The data set's names of all that an application holds."""
        self._scorecard = scorecard
        self._history = history
        self._key = next((rule.field for rule in scorecard.rules if rule.column == scorecard.key), "")
        self._rules = by_column
        self._names = names_of(scorecard.rules)
        rules = [by_column[column] for column in columns if column not in past]
        self._numeric = [rule for rule in rules if rule.kind != "text"]
        self._text = [rule for rule in rules if rule.kind == "text"]
        if self.columns != (*(rule.column for rule in self._numeric), *past, *(rule.column for rule in self._text)):
            raise ValueError(f"{scorecard.name}: a graph reads numbers, then history, then text, not {list(columns)}")
        self._numbers = _getter(self._numeric)
        self._texts = _getter(self._text)
        self._values = _getter(scorecard.rules)

    def inputs(self, applications: Sequence[Application]) -> Inputs:
        """Return the applications' values, in the graph's columns."""
        count = len(applications)
        # None becomes NaN.
        numeric = np.array([self._numbers(application) for application in applications], dtype=np.float32)
        text = None
        if self._text:
            text = np.empty((count, len(self._text)), dtype=object)
            for row, application in enumerate(applications):
                text[row] = [value or "" for value in self._texts(application)]
        inputs = Inputs(numeric.reshape(count, len(self._numeric)), text)
        if self._history is None:
            return inputs
        keys = [getattr(application, self._key) for application in applications]
        return self._with_history(inputs, np.array(keys, dtype=np.int64))

    def values(self, application: Application) -> tuple[Any, ...]:
        """Return the application's values in the order of `fields`; None where one is missing."""
        return self._values(application)

    def _with_history(self, inputs: Inputs, keys: NDArray[np.int64]) -> Inputs:
        """Return the same rows with the columns of history, all read at once."""
        assert self._history is not None
        past, known = self._history.read(keys)
        return Inputs(np.concatenate([inputs.numeric, past], axis=1), inputs.text, known)

    def read_table(
        self, table: pa.Table, *, as_text: bool = False, decimal: str = ".", most_errors: int | None = None
    ) -> ReadTable:
        """Read an Arrow table by the same rules as a JSON application.

        Args:
            table: the rows.
            as_text: whether every column holds a CSV file's cells as text.
            decimal: the decimal mark of those cells.
            most_errors: of how many rows errors are named; of all, if not given.

        Raises:
            InvalidApplicationError: a column is missing, unknown, doubled or of the wrong type.
            HistoryUnavailableError: the history cannot be read.
        """
        self.check_schema(table.schema)
        good = np.ones(table.num_rows, dtype=bool)
        columns: dict[str, ColumnValues] = {}
        failed: list[ColumnValues] = []
        unfit: list[FieldError] = []
        for name, column in zip(table.column_names, table.columns, strict=True):
            rule = self._rules[self._names[name]]
            try:
                optional = self._is_optional(rule)
                read = read_column(name, column, rule, optional=optional, as_text=as_text, decimal=decimal)
            except UnfitColumnError as error:
                unfit.append(error.error)
                continue
            columns[rule.column] = read
            passed = read.passed
            if not passed.all():
                failed.append(read)
                good &= passed
        if unfit:
            raise InvalidApplicationError(unfit)
        errors = [
            RowError(index=row, errors=[broken for read in failed if (broken := read.broken_rule(row))])
            for row in np.flatnonzero(~good)[:most_errors].tolist()
        ]
        inputs = self._gathered(columns, table.num_rows)[good]
        if self._history is not None:
            keys = columns[self._scorecard.key].values
            inputs = self._with_history(inputs, keys[good].astype(np.int64))
        return ReadTable(table.num_rows, inputs, np.flatnonzero(good), errors, columns)

    def _is_optional(self, rule: FieldRule) -> bool:
        return not rule.required and not (rule.column in self._scorecard.protected and rule.column in self.columns)

    def _gathered(self, columns: Mapping[str, ColumnValues], rows: int) -> Inputs:
        numeric = np.empty((rows, len(self._numeric)), dtype=np.float32)
        for position, rule in enumerate(self._numeric):
            # A finite double beyond float32 is out of range by the rules, so the cast is safe on good rows.
            with np.errstate(over="ignore"):
                numeric[:, position] = columns[rule.column].values
        if not self._text:
            return Inputs(numeric)
        text = np.empty((rows, len(self._text)), dtype=object)
        for position, rule in enumerate(self._text):
            text[:, position] = columns[rule.column].values
        return Inputs(numeric, text)

    def check_schema(self, schema: pa.Schema) -> None:
        """Check that a table of these columns can be read, before any of its rows is.

        Raises:
            InvalidApplicationError: a column is missing, unknown, doubled or of a type that no field has.
        """
        matched = match_columns(schema.names, self._names)
        errors = [
            FieldError(field=name, rule="extra_forbidden", message="Column is not permitted")
            for name in matched.unknown
        ]
        errors += matched.doubled
        for field in schema:
            if (column := self._names.get(field.name)) is not None:
                fault = type_fault(field.name, field.type, self._rules[column])
                errors += [] if fault is None else [fault]
        errors += [
            FieldError(field=rule.column, rule="missing", message="Column required")
            for rule in self._scorecard.rules
            if rule.column not in matched.by_column and (rule.required or rule.column in self.columns)
        ]
        if errors:
            raise InvalidApplicationError(errors)


def history_columns(scorecard: Scorecard, columns: Sequence[str]) -> tuple[str, ...]:
    """Return those of a graph's columns that come from the scorecard's history, in order."""
    return tuple(column for column in columns if column in scorecard.history)


def thin_frame(scorecard: Scorecard, columns: Sequence[str]) -> Frame:
    """Return a frame to which everybody is unknown."""
    empty = EmptyHistory(scorecard, history_columns(scorecard, columns)) if scorecard.history else None
    return Frame(scorecard, columns, empty)


def _getter(rules: Sequence[FieldRule]) -> Callable[[Application], tuple[Any, ...]]:
    """Return a function that takes these fields of an application as a tuple, also where there is one or none."""
    if len(rules) > 1:
        return attrgetter(*(rule.field for rule in rules))
    return lambda application: tuple(getattr(application, rule.field) for rule in rules)
