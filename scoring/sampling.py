"""Draw sample data: the functions that all generators use."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scoring.application import Application, FieldRule, field_rules

Sample = Callable[[np.random.Generator, int], dict[str, NDArray[Any]]]

MISSING_SHARE = 0.1


def draw_defaults(generator: np.random.Generator, log_odds: NDArray[Any], share: float) -> NDArray[np.int64]:
    """Draw defaults with these relative log-odds, the intercept found by bisection so that `share` default."""
    low, high = -20.0, 20.0
    for _ in range(60):
        middle = (low + high) / 2
        if (1 / (1 + np.exp(-(log_odds + middle)))).mean() < share:
            low = middle
        else:
            high = middle
    drawn = generator.random(len(log_odds)) < 1 / (1 + np.exp(-(log_odds + low)))
    return drawn.astype(np.int64)


def draw_choices(
    generator: np.random.Generator, rows: int, choices: Mapping[str, tuple[float, float]], share: float
) -> tuple[NDArray[Any], NDArray[np.float64]]:
    """Draw texts by their counts, and what each adds to the log-odds of a default.

    Args:
        generator: draws.
        rows: how many.
        choices: for each text its count, and the share of defaults where it stands.
        share: of defaults among all; a text with this share adds nothing.
    """
    counts = np.array([count for count, _ in choices.values()])
    effects = np.array([_logit(default_share) - _logit(share) for _, default_share in choices.values()])
    drawn = generator.choice(len(counts), rows, p=counts / counts.sum())
    return np.array(list(choices), dtype=object)[drawn], effects[drawn]


def _logit(share: float) -> float:
    return math.log(share / (1 - share))


def sample_by_rules(application: type[Application], key: str, target: str, default_share: float) -> Sample:
    """Return a generator for a product of which nothing more is known than its fields' rules.

    Numbers are drawn evenly within their bounds, texts evenly among their choices, a tenth of optional
    values is missing. The required fields in turn raise and lower the risk, so that there is something
    to learn; it says nothing of any market.
    """
    rules = [rule for rule in field_rules(application) if rule.column != key]

    def sample(generator: np.random.Generator, rows: int) -> dict[str, NDArray[Any]]:
        columns: dict[str, NDArray[Any]] = {key: np.arange(1, rows + 1)}
        log_odds = np.zeros(rows)
        sign = 1
        for rule in rules:
            level = generator.random(rows)
            values = _at_level(rule, level)
            if not rule.required:
                values = values.astype(object)
                values[generator.random(rows) < MISSING_SHARE] = None
            else:
                log_odds += sign * 3 * (level - 0.5)
                sign = -sign
            columns[rule.column] = values
        columns[target] = draw_defaults(generator, log_odds, default_share)
        return columns

    return sample


def _at_level(rule: FieldRule, level: NDArray[np.float64]) -> NDArray[Any]:
    """Return the rule's values at shares from 0 to 1 of its range."""
    if rule.kind == "text":
        return np.array(rule.choices, dtype=object)[(level * len(rule.choices)).astype(np.int64)]
    if rule.kind == "integer":
        return (rule.minimum + np.floor(level * (rule.maximum - rule.minimum + 1))).astype(np.int64)
    return rule.minimum + level * (rule.maximum - rule.minimum)
