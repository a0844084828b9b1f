"""What the generators of sample data have in common."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray


def draw_defaults(generator: np.random.Generator, log_odds: NDArray[Any], share: float) -> NDArray[np.int64]:
    """Defaults with these relative log-odds, the intercept found by bisection so that `share` default."""
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
    """Texts by their counts, and what each adds to the log-odds of a default.

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
