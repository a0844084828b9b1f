"""The data contract: the application's own rules as a Pandera schema, on a table's columns."""

from __future__ import annotations

import warnings
from dataclasses import replace

import numpy as np
import pandas as pd
import pandera.pandas as pa
from pandera.errors import SchemaErrors
from pyarrow import Table
from pydantic import BaseModel

from scoring.application import FieldRule, Kind
from scoring.scorecard import Scorecard
from training.tables.typed import broken_type, typed_frame

FIRST_ROWS = 5


class Violation(BaseModel):
    """One broken rule: where, how often, and the first rows (counted from 0)."""

    rule: str
    column: str
    count: int
    first_rows: list[int]


class ContractReport(BaseModel):
    """The verdict on one table."""

    scorecard: str
    rows: int
    violations: list[Violation]

    @property
    def holds(self) -> bool:
        """True when no rule is broken."""
        return not self.violations


def schema(scorecard: Scorecard) -> pa.DataFrameSchema:
    """Return the contract of the scorecard's data set.

    Every field must be there, protected ones too: fairness is measured on this data. Numbers may be
    written as 1e+05, so a column of whole numbers may come as floats, but not with fractions.
    """
    columns = {rule.column: _column(rule, scorecard.may_be_missing(rule)) for rule in scorecard.rules}
    columns |= {name: _history_column(name, default) for name, default in scorecard.history.items()}
    columns[scorecard.key] = pa.Column(unique=True, nullable=False, name=scorecard.key)
    columns[scorecard.target] = pa.Column(int, pa.Check.isin([0, 1], name="0 or 1"), name=scorecard.target)
    return pa.DataFrameSchema(columns, strict=True, unique_column_names=True)


def _column(rule: FieldRule, nullable: bool) -> pa.Column:
    if rule.kind == "text":
        known = pa.Check.isin(rule.choices, name=f"one of {', '.join(rule.choices)}")
        return pa.Column(str, known, nullable=nullable, name=rule.column)
    checks = [_range(rule)]
    if rule.kind == "integer" and nullable:
        # Beside missing values pandas holds whole numbers as floats.
        checks.append(pa.Check(lambda values: values % 1 == 0, name="whole numbers"))
    whole = rule.kind == "integer" and not nullable
    return pa.Column(int if whole else float, checks, nullable=nullable, name=rule.column)


def _range(rule: FieldRule) -> pa.Check:
    bounds = f"{rule.minimum:g} to {rule.maximum:g}"
    if not rule.sentinels:
        return pa.Check.in_range(rule.minimum, rule.maximum, name=bounds)
    return pa.Check(
        lambda values: values.between(rule.minimum, rule.maximum) | values.isin(rule.sentinels),
        name=f"{bounds} or {' or '.join(map(str, rule.sentinels))}",
    )


def _history_column(name: str, default: float) -> pa.Column:
    finite = pa.Check(np.isfinite, name="finite")
    # The precision in which it is stored for the service, and in which a graph takes it.
    return pa.Column(np.float32, finite, nullable=np.isnan(default), name=name)


def typed(scorecard: Scorecard, table: Table) -> pd.DataFrame:
    """Return the same rows with columns of the contract's types, where no value would change.

    Rows without a key are numbered from 1, and a target in the data set's own values becomes 0 and 1.

    Raises:
        DataError: a column is there twice.
    """
    rules = {
        rule.column: replace(rule, required=not scorecard.may_be_missing(rule))
        for rule in (*scorecard.rules, _target_rule(scorecard))
    }
    rules |= {name: FieldRule(name, name, "number", required=False) for name in scorecard.history}
    # Where others than 0 and 1 stand for no default and default, nobody knows what true is.
    booleans = (scorecard.target,) if scorecard.target_values == (0, 1) else ()
    result = typed_frame(table, rules, booleans)
    if scorecard.key not in result:
        result.insert(0, scorecard.key, np.arange(1, len(result) + 1))
    if scorecard.target in result and scorecard.target_values != (0, 1):
        recoded = dict(zip(scorecard.target_values, (0, 1), strict=True))
        # A 0 or 1 that is no value of the target must not pass for a recoded one.
        result[scorecard.target] = [
            recoded.get(value, None if value in (0, 1) else value) for value in result[scorecard.target]
        ]
    for name in scorecard.history:
        if name in result and pd.api.types.is_numeric_dtype(result[name]):
            result[name] = result[name].astype("float32")
    return result


def _target_rule(scorecard: Scorecard) -> FieldRule:
    kind: Kind = "text" if isinstance(scorecard.target_values[0], str) else "integer"
    choices = tuple(str(value) for value in scorecard.target_values) if kind == "text" else ()
    return FieldRule(scorecard.target, scorecard.target, kind, required=True, choices=choices)


def broken_cases(contract: pa.DataFrameSchema, frame: pd.DataFrame) -> pd.DataFrame | None:
    """Return Pandera's table of broken rules; None where none is."""
    with warnings.catch_warnings():
        # Pandera puts its own tables together in a way that pandas will change.
        warnings.filterwarnings("ignore", "The behavior of DataFrame concatenation", FutureWarning)
        try:
            contract.validate(frame, lazy=True)
        except SchemaErrors as error:
            cases: pd.DataFrame = error.failure_cases
            return cases
    return None


def _broken_target(scorecard: Scorecard, target: pd.Series) -> list[Violation]:
    """Return the violation of the target's two values, which it is named by as the data set has them."""
    rows = np.flatnonzero(~target.isin([0, 1])).tolist()
    rule = " or ".join(str(value) for value in scorecard.target_values)
    column = str(target.name)
    return [Violation(rule=rule, column=column, count=len(rows), first_rows=rows[:FIRST_ROWS])] if rows else []


def check(scorecard: Scorecard, frame: pd.DataFrame) -> ContractReport:
    """Return every broken rule of a table that has been through `typed`."""
    violations: list[Violation] = []
    kinds = {rule.column: rule.kind for rule in scorecard.rules}
    if (cases := broken_cases(schema(scorecard), frame)) is not None:
        # A table-level rule names the column it misses or does not know as its failure case.
        table_level = cases["schema_context"] == "DataFrameSchema"
        cases["column"] = cases["column"].where(~table_level, cases["failure_case"])
        mistyped = set(cases["column"][cases["check"].astype(str).str.startswith("dtype(")])
        for (rule, column), broken in cases.groupby(["check", "column"], sort=True, dropna=False):
            if column == scorecard.target and column in frame:
                # Of several broken rules of the target the one that the user declared is told.
                if not any(item.column == column for item in violations):
                    violations += _broken_target(scorecard, frame[scorecard.target])
                continue
            found: tuple[str, list[int]] | None = str(rule), sorted(broken["index"].dropna().astype(int))
            if str(rule).startswith("dtype("):
                found = broken_type(frame[column], kinds.get(str(column), "integer"))
            elif column in mistyped and broken["index"].isna().all():
                continue  # a rule of numbers, asked of something else
            if found is not None:
                name, rows = found
                violations.append(
                    Violation(rule=name, column=str(column), count=len(rows) or 1, first_rows=rows[:FIRST_ROWS])
                )
    return ContractReport(scorecard=scorecard.name, rows=len(frame), violations=violations)
