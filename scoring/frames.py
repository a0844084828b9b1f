"""Applications to columns: the arrays that a graph reads.

Work is by column: a list of applications, or an Arrow table, becomes arrays once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from operator import attrgetter
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from scoring.application import Application, FieldRule
from scoring.errors import FieldError, InvalidApplicationError, RowError
from scoring.graph import Inputs
from scoring.history.store import EmptyHistory, HistoryStore
from scoring.scorecard import Scorecard

if TYPE_CHECKING:
    import pyarrow as pa

Verdict: TypeAlias = tuple[NDArray[np.bool_], str, str]
"""Which rows pass a rule, the rule's name, and what is said of those that do not."""

_KINDS = {
    "text": ("string_type", "text"),
    "integer": ("int_type", "an integer"),
    "number": ("float_type", "a number"),
}
"""Name of the rule that a column of another type breaks, and what it should hold."""


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
        self._names = {name: rule for rule in scorecard.rules for name in (rule.column, rule.field)}
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

    def column_of(self, name: str) -> str:
        """Return the data set's name of a column that goes by this name or that of its field."""
        return self._names[name].column

    def _with_history(self, inputs: Inputs, keys: NDArray[np.int64]) -> Inputs:
        """Return the same rows with the columns of history, all read at once."""
        assert self._history is not None
        past, known = self._history.read(keys)
        return Inputs(np.concatenate([inputs.numeric, past], axis=1), inputs.text, known)

    def read_table(
        self, table: pa.Table, most_errors: int | None = None
    ) -> tuple[Inputs, NDArray[np.int64], list[RowError]]:
        """Read an Arrow table by the same rules as a JSON application.

        Returns:
            The values of the good rows, their positions in the table, and the errors of the
            other rows, of the first `most_errors` of them if that is given.

        Raises:
            InvalidApplicationError: a column is missing, unknown, doubled or of the wrong type.
            HistoryUnavailableError: the history cannot be read.
        """
        self.check_schema(table.schema)
        good = np.ones(table.num_rows, dtype=bool)
        failed: dict[str, list[Verdict]] = {}
        values: dict[str, NDArray[Any]] = {}
        used = set(self.columns)
        for name in table.column_names:
            rule = self._names[name]
            column = table.column(name)
            valid = ~np.asarray(column.is_null())
            optional = not rule.required and not (rule.column in self._scorecard.protected and rule.column in used)
            verdicts: list[Verdict] = [(valid | optional, "missing", "Field required")]
            if rule.kind == "text":
                values[rule.column], more = _read_text(rule, column, valid)
            else:
                values[rule.column], more = _read_numbers(rule, column, valid)
            verdicts += more
            passed = np.logical_and.reduce([verdict for verdict, _, _ in verdicts])
            if not passed.all():
                failed[name] = verdicts
                good &= passed
        errors = [
            RowError(index=index, errors=_first_broken(failed, index))
            for index in np.flatnonzero(~good)[:most_errors].tolist()
        ]
        inputs = self._gathered(values, table.num_rows)[good]
        if self._history is not None:
            inputs = self._with_history(inputs, values[self._scorecard.key][good].astype(np.int64))
        return inputs, np.flatnonzero(good), errors

    def _gathered(self, values: Mapping[str, NDArray[Any]], rows: int) -> Inputs:
        numeric = np.empty((rows, len(self._numeric)), dtype=np.float32)
        for position, rule in enumerate(self._numeric):
            # A finite double beyond float32 is out of range by the rules, so the cast is safe on good rows.
            with np.errstate(over="ignore"):
                numeric[:, position] = values[rule.column]
        if not self._text:
            return Inputs(numeric)
        text = np.empty((rows, len(self._text)), dtype=object)
        for position, rule in enumerate(self._text):
            text[:, position] = values[rule.column]
        return Inputs(numeric, text)

    def check_schema(self, schema: pa.Schema) -> None:
        """Check that a table of these columns can be read, before any of its rows is.

        Raises:
            InvalidApplicationError: a column is missing, unknown, doubled or of the wrong type.
        """
        import pyarrow as pa

        errors: list[FieldError] = []
        seen: set[str] = set()
        for field in schema:
            rule = self._names.get(field.name)
            if rule is None:
                errors.append(FieldError(field=field.name, rule="extra_forbidden", message="Column is not permitted"))
                continue
            if rule.column in seen:
                errors.append(FieldError(field=field.name, rule="duplicate", message="Column is given twice"))
            seen.add(rule.column)
            fits = {
                "text": pa.types.is_string(field.type) or pa.types.is_large_string(field.type),
                "integer": pa.types.is_integer(field.type),
                "number": pa.types.is_integer(field.type) or pa.types.is_floating(field.type),
            }
            if not fits[rule.kind]:
                rule_name, kind = _KINDS[rule.kind]
                errors.append(FieldError(field=field.name, rule=rule_name, message=f"Column should hold {kind}"))
        used = set(self.columns)
        errors += [
            FieldError(field=rule.column, rule="missing", message="Column required")
            for rule in self._scorecard.rules
            if rule.column not in seen and (rule.required or rule.column in used)
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


def _read_numbers(
    rule: FieldRule, column: pa.ChunkedArray, valid: NDArray[np.bool_]
) -> tuple[NDArray[np.float64], list[Verdict]]:
    numbers = np.asarray(column.to_numpy(zero_copy_only=False), dtype=np.float64)
    low, high = rule.minimum, rule.maximum
    below, above = numbers < low, numbers > high
    if rule.sentinels:
        stands_for_none = np.isin(numbers, rule.sentinels)
        below, above = below & ~stands_for_none, above & ~stands_for_none
    return numbers, [
        (np.isfinite(numbers) | ~valid, "finite_number", "Input should be a finite number"),
        (~below, "greater_than_equal", f"Input should be greater than or equal to {low:g}"),
        (~above, "less_than_equal", f"Input should be less than or equal to {high:g}"),
    ]


def _read_text(
    rule: FieldRule, column: pa.ChunkedArray, valid: NDArray[np.bool_]
) -> tuple[NDArray[np.object_], list[Verdict]]:
    import pyarrow as pa
    import pyarrow.compute as pc

    known = np.asarray(pc.is_in(column, pa.array(rule.choices, column.type)))
    texts = pc.fill_null(column, "").to_numpy(zero_copy_only=False)
    *most, last = (f"'{choice}'" for choice in rule.choices)
    expected = f"{', '.join(most)} or {last}" if most else last
    return texts, [(known | ~valid, "literal_error", f"Input should be {expected}")]


def _first_broken(failed: dict[str, list[Verdict]], index: int) -> list[FieldError]:
    """Return the first rule that a row breaks in each column."""
    errors = []
    for name, verdicts in failed.items():
        broken = next(((rule, message) for passed, rule, message in verdicts if not passed[index]), None)
        if broken is not None:
            errors.append(FieldError(field=name, rule=broken[0], message=broken[1]))
    return errors
