"""Checks that a model passes or fails: a figure, its limit and the verdict."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal

import numpy as np
from pydantic import BaseModel, ConfigDict

from training.evaluation.fairness import GroupRate


class Check(BaseModel):
    """One verdict. A value that is not a number fails."""

    model_config = ConfigDict(ser_json_inf_nan="strings")

    what: str
    value: float
    rule: Literal["at most", "at least"]
    limit: float
    holds: bool


def at_most(what: str, value: float, limit: float) -> Check:
    """Check that the value is not above the limit."""
    return Check(what=what, value=float(value), rule="at most", limit=limit, holds=bool(value <= limit))


def at_least(what: str, value: float, limit: float) -> Check:
    """Check that the value is not below the limit."""
    return Check(what=what, value=float(value), rule="at least", limit=limit, holds=bool(value >= limit))


def failed(checks: Mapping[str, Check]) -> list[str]:
    """Return the names of the checks that do not hold."""
    return [name for name, check in checks.items() if not check.holds]


def approval_gaps(groups: Iterable[GroupRate]) -> dict[str, float]:
    """Return the highest less the lowest approval rate of the groups of each protected column, 0 to 1."""
    return {column: max(rates) - min(rates) for column, rates in _rates(groups).items()}


def impact_ratios(groups: Iterable[GroupRate]) -> dict[str, float]:
    """Return the lowest over the highest approval rate of the groups of each protected column, 0 to 1.

    The adverse impact ratio of the Uniform Guidelines on Employee Selection Procedures (29 CFR
    1607.4 D), which asks for a closer look below 0.8. 1 where nobody is approved.
    """
    return {column: min(rates) / max(rates) if max(rates) > 0 else 1.0 for column, rates in _rates(groups).items()}


def _rates(groups: Iterable[GroupRate]) -> dict[str, list[float]]:
    by_column: dict[str, list[float]] = {}
    for group in groups:
        by_column.setdefault(group.column, []).append(group.approval_rate)
    return {column: rates for column, rates in by_column.items() if len(rates) > 1 and np.isfinite(rates).all()}
