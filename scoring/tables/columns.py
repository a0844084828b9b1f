"""One column of a table by the rule of its field: values, and which rows break which rule.

Every door to scores, contracts and comparisons reads its columns here. A column is taken by its values, not by the
label of its type: whole numbers as floats or decimals, dictionaries, every width of integers and every layout of
texts, and any type where all is null. Nothing is rounded in silence, and a boolean is no number.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from scoring.application import FieldRule, Kind
from scoring.errors import FieldError
from scoring.tables.numbers import SAFE_INTEGER, is_whole, typed_numbers, written_numbers
from scoring.tables.texts import any_texts, chosen, decoded, is_text

Verdict: TypeAlias = tuple[NDArray[np.bool_], str, str]
"""Which rows pass a rule, the rule's name, and the message about those that do not."""

_EXPECTED: dict[Kind, tuple[str, str]] = {
    "text": ("string_type", "text"),
    "integer": ("int_type", "an integer"),
    "number": ("float_type", "a number"),
}
"""Name of the rule that a column of another type breaks, and what the column should hold."""
_PARSING: dict[Kind, tuple[str, str]] = {
    "integer": ("int_parsing", "Input should be a valid integer, unable to parse string as an integer"),
    "number": ("float_parsing", "Input should be a valid number, unable to parse string as a number"),
}
"""Rules of pydantic for a text that is no number."""
_LONGEST_TYPE = 60


class UnfitColumnError(ValueError):
    """A column holds values of a type that its field never has."""

    def __init__(self, error: FieldError) -> None:
        super().__init__(f"{error.field}: {error.message}")
        self.error = error


@dataclass(frozen=True, slots=True)
class ColumnValues:
    """The values of a column, row by row."""

    name: str
    """The column's name in the table."""
    values: NDArray[Any]
    """[rows] doubles, NaN where there is none; or texts, empty where there is none of the choices."""
    present: NDArray[np.bool_]
    """[rows] whether there is a value at all."""
    verdicts: list[Verdict]
    """The rules that apply, in the order in which a row's first broken one is named."""
    whole: bool
    """Whether values are written as whole numbers."""

    @property
    def passed(self) -> NDArray[np.bool_]:
        """[rows] whether a row breaks no rule."""
        passed: NDArray[np.bool_] = np.logical_and.reduce([verdict for verdict, _, _ in self.verdicts])
        return passed

    def broken_rule(self, row: int) -> FieldError | None:
        """Return the first rule that a row breaks, None if it breaks none."""
        return next(
            (
                FieldError(field=self.name, rule=rule, message=message)
                for passed, rule, message in self.verdicts
                if not passed[row]
            ),
            None,
        )

    def members(self, rows: NDArray[np.int64]) -> list[Any]:
        """Return the values of some rows that break no rule, as JSON has them, NaN or None where there is none."""
        values, present = self.values[rows], self.present[rows]
        is_partial = not present.all()
        if self.whole:
            values = (np.where(present, values, 0) if is_partial else values).astype(np.int64)
        found: list[Any] = values.tolist()
        if is_partial and (self.whole or values.dtype == object):
            for row in np.flatnonzero(~present).tolist():
                found[row] = None
        return found


def read_column(
    name: str,
    column: pa.ChunkedArray,
    rule: FieldRule,
    *,
    optional: bool,
    as_text: bool = False,
    decimal: str = ".",
    booleans: bool = False,
) -> ColumnValues:
    """Read a column by the rule of its field.

    Args:
        name: what the table calls the column.
        column: of any type.
        rule: what its values must be.
        optional: whether a row may do without; NaN is no value then.
        as_text: whether the column holds a CSV file's cells, every value as text.
        decimal: the decimal mark of those cells.
        booleans: whether true and false stand for 1 and 0, as in a target.

    Raises:
        UnfitColumnError: the column has values, and they are of a type that cannot be the field's.
    """
    if column.null_count == len(column):
        column = pa.chunked_array([pa.nulls(len(column), _PLAIN[rule.kind])])
        as_text = False
    elif not _fits(column.type, rule, as_text=as_text, booleans=booleans):
        raise UnfitColumnError(_fault(name, column.type, rule))
    if rule.kind == "text":
        return _read_text(name, column, rule, optional, as_text)
    return _read_numbers(name, decoded(column), rule, optional, decimal if as_text else None)


def plain_values(
    name: str,
    column: pa.ChunkedArray,
    rule: FieldRule,
    *,
    as_text: bool = False,
    decimal: str = ".",
    booleans: bool = False,
) -> NDArray[Any]:
    """Return the values of a column whatever its field's rule says of them; the arguments are those of `read_column`.

    Returns:
        [rows] doubles, NaN where there is none, or texts, None where there is none.

    Raises:
        UnfitColumnError: the column has values, and they are of a type that cannot be the field's.
    """
    read = read_column(name, column, rule, optional=True, as_text=as_text, decimal=decimal, booleans=booleans)
    if rule.kind != "text":
        return read.values
    known = read.verdicts[-1][0] & read.present
    if rule.choices and known.all():
        return read.values
    others = any_texts(column) if read.present.any() else np.full(len(column), None, dtype=object)
    return np.where(known, read.values, others) if rule.choices else others


_PLAIN: dict[Kind, pa.DataType] = {"text": pa.string(), "integer": pa.float64(), "number": pa.float64()}


def type_fault(name: str, kind: pa.DataType, rule: FieldRule) -> FieldError | None:
    """Return why a column of a type cannot be read, whatever it holds; None where its values decide."""
    held = kind.value_type if pa.types.is_dictionary(kind) else kind
    if pa.types.is_nested(held) or pa.types.is_run_end_encoded(held) or isinstance(held, pa.BaseExtensionType):
        return _fault(name, kind, rule)
    return None


def _fits(kind: pa.DataType, rule: FieldRule, *, as_text: bool, booleans: bool) -> bool:
    held = kind.value_type if pa.types.is_dictionary(kind) else kind
    if rule.kind == "text" or as_text:
        return is_text(held)
    numeric = pa.types.is_integer(held) or pa.types.is_floating(held) or pa.types.is_decimal(held)
    return bool(numeric or (booleans and pa.types.is_boolean(held)))


def _fault(name: str, kind: pa.DataType, rule: FieldRule) -> FieldError:
    rule_name, expected = _EXPECTED[rule.kind]
    shown = f"dictionary of {kind.value_type}" if pa.types.is_dictionary(kind) else str(kind)
    if len(shown) > _LONGEST_TYPE:
        shown = f"{shown[:_LONGEST_TYPE]}..."
    return FieldError(field=name, rule=rule_name, message=f"Column should hold {expected}, its type is {shown}")


def _read_numbers(
    name: str, column: pa.ChunkedArray, rule: FieldRule, optional: bool, decimal: str | None
) -> ColumnValues:
    """Read a column of numbers; of text with this decimal mark, if one is given."""
    present = _present(column)
    verdicts: list[Verdict] = []
    if decimal is not None:
        values, wrong = written_numbers(column, decimal)
        if wrong is not None:
            verdicts.append((~wrong, *_PARSING[rule.kind]))
    else:
        values = typed_numbers(column)
    integers = pa.types.is_integer(column.type) or pa.types.is_boolean(column.type)
    if optional:
        if not integers:
            present = present & ~np.isnan(values)
    else:
        verdicts.append((present, "missing", "Field required"))
    absent = ~present
    if not integers:
        verdicts.append((np.isfinite(values) | absent, "finite_number", "Input should be a finite number"))
        if rule.kind == "integer":
            message = "Input should be a valid integer, got a number with a fractional part"
            verdicts.append((is_whole(column, values) | absent, "int_type", message))
    verdicts += _bounds(values, rule)
    if (integers or pa.types.is_decimal(column.type)) and _reach(rule) >= SAFE_INTEGER:
        message = f"Input should be a whole number that a double holds, at most {SAFE_INTEGER - 1} from 0"
        verdicts.append((~(np.abs(values) >= SAFE_INTEGER), "safe_integer", message))
    return ColumnValues(name, values, present, verdicts, whole=integers or rule.kind == "integer")


def _bounds(values: NDArray[np.float64], rule: FieldRule) -> list[Verdict]:
    low, high = rule.minimum, rule.maximum
    below, above = values < low, values > high
    if rule.sentinels:
        stands_for_none = np.isin(values, rule.sentinels)
        below, above = below & ~stands_for_none, above & ~stands_for_none
    return [
        (~below, "greater_than_equal", f"Input should be greater than or equal to {low:g}"),
        (~above, "less_than_equal", f"Input should be less than or equal to {high:g}"),
    ]


def _reach(rule: FieldRule) -> float:
    """Return how far from 0 a value may lie."""
    return max(abs(bound) for bound in (rule.minimum, rule.maximum, *rule.sentinels))


def _read_text(name: str, column: pa.ChunkedArray, rule: FieldRule, optional: bool, as_text: bool) -> ColumnValues:
    values, known = chosen(column, rule.choices, as_text=as_text)
    present = _present(column)
    *most, last = (f"'{choice}'" for choice in rule.choices or ("",))
    expected = f"{', '.join(most)} or {last}" if most else last
    verdicts: list[Verdict] = [] if optional else [(present, "missing", "Field required")]
    verdicts.append((known | ~present, "literal_error", f"Input should be {expected}"))
    return ColumnValues(name, values, present, verdicts, whole=False)


def _present(column: pa.ChunkedArray) -> NDArray[np.bool_]:
    """Return which rows have a value; a dictionary may have null among its own."""
    if not pa.types.is_dictionary(column.type):
        return ~np.asarray(column.is_null()) if column.null_count else np.ones(len(column), dtype=bool)
    chunks = [
        np.asarray(pc.fill_null(chunk.dictionary.is_valid().take(chunk.indices), False)) for chunk in column.chunks
    ]
    return np.concatenate(chunks or [np.ones(0, dtype=bool)])
