"""Applications to columns: the float32 matrix that a graph reads.

Work is by column: a list of applications, or an Arrow table, becomes one array once.
"""

from __future__ import annotations

from collections.abc import Sequence
from operator import attrgetter
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from scoring.errors import FieldError, InvalidApplicationError, RowError
from scoring.scorecard import Application, Scorecard

if TYPE_CHECKING:
    import pyarrow as pa


class Frame:
    """The columns that one graph reads, and how to fill them.

    Args:
        scorecard: the product.
        columns: data set names of the graph's input columns, in order.
    """

    def __init__(self, scorecard: Scorecard, columns: Sequence[str]) -> None:
        by_column = {rule.column: rule for rule in scorecard.rules}
        unknown = [column for column in columns if column not in by_column]
        if unknown:
            raise ValueError(f"{scorecard.name} has no columns {unknown}, which the graph reads")
        self.columns = tuple(columns)
        self._scorecard = scorecard
        self._names = {name: rule for rule in scorecard.rules for name in (rule.column, rule.field)}
        self._used = [by_column[column] for column in columns]
        self._values = attrgetter(*(rule.field for rule in self._used))

    def matrix(self, applications: Sequence[Application]) -> NDArray[np.float32]:
        """The applications' values, [applications, columns] float32."""
        rows = np.array([self._values(application) for application in applications], dtype=np.float32)
        return rows.reshape(len(applications), len(self.columns))

    def read_table(
        self, table: pa.Table, most_errors: int | None = None
    ) -> tuple[NDArray[np.float32], NDArray[np.int64], list[RowError]]:
        """An Arrow table by the same rules as a JSON application.

        Returns:
            The matrix of the good rows, their positions in the table, and the errors of the
            other rows, of the first `most_errors` of them if that is given.

        Raises:
            InvalidApplicationError: a column is missing, unknown, doubled or of the wrong type.
        """
        self.check_schema(table.schema)
        good = np.ones(table.num_rows, dtype=bool)
        failed: dict[str, list[tuple[NDArray[np.bool_], str, str]]] = {}
        values: dict[str, NDArray[np.float64]] = {}
        used = set(self.columns)
        for name in table.column_names:
            rule = self._names[name]
            column = table.column(name)
            valid = ~np.asarray(column.is_null())
            numbers = np.asarray(column.to_numpy(zero_copy_only=False), dtype=np.float64)
            optional = not rule.required and rule.column not in used
            verdicts = [
                (valid | optional, "missing", "Field required"),
                (np.isfinite(numbers) | ~valid, "finite_number", "Input should be a finite number"),
                (
                    ~(numbers < rule.minimum),
                    "greater_than_equal",
                    f"Input should be greater than or equal to {rule.minimum:g}",
                ),
                (
                    ~(numbers > rule.maximum),
                    "less_than_equal",
                    f"Input should be less than or equal to {rule.maximum:g}",
                ),
            ]
            passed = np.logical_and.reduce([verdict for verdict, _, _ in verdicts])
            if not passed.all():
                failed[name] = verdicts
                good &= passed
            values[rule.column] = numbers
        matrix = np.empty((table.num_rows, len(self.columns)), dtype=np.float32)
        for position, column_name in enumerate(self.columns):
            # A finite double beyond float32 is out of range by the rules, so the cast is safe on good rows.
            with np.errstate(over="ignore"):
                matrix[:, position] = values[column_name]
        errors = [
            RowError(index=index, errors=_first_broken(failed, index))
            for index in np.flatnonzero(~good)[:most_errors].tolist()
        ]
        return matrix[good], np.flatnonzero(good), errors

    def check_schema(self, schema: pa.Schema) -> None:
        """Whether a table of these columns can be read, before any of its rows is.

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
            whole = pa.types.is_integer(field.type)
            if not (whole or (rule.kind == "number" and pa.types.is_floating(field.type))):
                kind = "an integer" if rule.kind == "integer" else "a number"
                rule_name = "int_type" if rule.kind == "integer" else "float_type"
                errors.append(FieldError(field=field.name, rule=rule_name, message=f"Column should hold {kind}"))
        used = set(self.columns)
        errors += [
            FieldError(field=rule.column, rule="missing", message="Column required")
            for rule in self._scorecard.rules
            if rule.column not in seen and (rule.required or rule.column in used)
        ]
        if errors:
            raise InvalidApplicationError(errors)


def _first_broken(failed: dict[str, list[tuple[NDArray[np.bool_], str, str]]], index: int) -> list[FieldError]:
    """The first rule that a row breaks in each column."""
    errors = []
    for name, verdicts in failed.items():
        broken = next(((rule, message) for passed, rule, message in verdicts if not passed[index]), None)
        if broken is not None:
            errors.append(FieldError(field=name, rule=broken[0], message=broken[1]))
    return errors
