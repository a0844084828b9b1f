"""Applications as a client would send them, for load tests: the published ranges, and no signal in them.

What models are trained on without the published files is made by `training/tables/home_credit`: all seven tables.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scoring.application import FieldRule
from scoring.sampling import draw_defaults
from scoring.scorecards.parts.home_credit.application import NOT_EMPLOYED

FIRST_CLIENT = 100_002
DEFAULT_SHARE = 0.0807
MISSING_SHARE = 0.3


def draw(rules: Sequence[FieldRule], generator: np.random.Generator, rows: int) -> dict[str, NDArray[Any]]:
    """Return a column for each rule, and the target."""
    columns = {rule.column: _values(rule, generator, rows) for rule in rules}
    income = generator.lognormal(11.9, 0.48, rows).round()
    credit = (income * generator.lognormal(1.1, 0.6, rows)).clip(45_000, 4_050_000).round()
    days = generator.integers(7_500, 25_000, rows)
    employed = -generator.integers(0, days - 6_500)
    none = generator.random(rows) < 0.18
    columns |= {
        "SK_ID_CURR": FIRST_CLIENT + generator.permutation(rows),
        "AMT_INCOME_TOTAL": income,
        "AMT_CREDIT": credit,
        "AMT_ANNUITY": (credit / generator.uniform(9, 48, rows)).round(),
        "AMT_GOODS_PRICE": (credit * generator.uniform(0.8, 1, rows)).round(),
        "DAYS_BIRTH": -days,
        "DAYS_EMPLOYED": np.where(none, NOT_EMPLOYED, employed),
        "TARGET": draw_defaults(generator, np.zeros(rows), DEFAULT_SHARE),
    }
    columns["ORGANIZATION_TYPE"][none] = "XNA"
    return columns


def _values(rule: FieldRule, generator: np.random.Generator, rows: int) -> NDArray[Any]:
    if rule.kind == "text":
        values = np.array(rule.choices, dtype=object)[generator.integers(0, len(rule.choices), rows)]
        if not rule.required:
            values[generator.random(rows) < MISSING_SHARE] = None
        return values
    if rule.kind == "integer":
        return generator.integers(int(rule.minimum), int(rule.maximum) + 1, rows)
    values = generator.uniform(rule.minimum, rule.maximum, rows)
    if rule.maximum > 1 or rule.minimum < 0:
        values = values.round()
    if not rule.required:
        values[generator.random(rows) < MISSING_SHARE] = np.nan
    return values
