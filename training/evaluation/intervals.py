"""Estimates with intervals: percentile intervals over resamples, and Jeffreys' interval of a share.

The percentile interval runs from one quantile of a figure over resamples of the rows to another:
B. Efron and R. Tibshirani, An Introduction to the Bootstrap (Chapman & Hall 1993), chapter 13.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import beta
from typing_extensions import TypedDict  # pydantic takes typing's own only from Python 3.12

CONFIDENCE = 0.95

Rows = NDArray[np.int64]
"""[rows], positions."""


class Estimate(TypedDict):
    """A figure on the whole set, and the interval that holds it in a share `CONFIDENCE` of the resamples."""

    value: float
    low: float
    high: float


def percentile_interval(
    drawn: ArrayLike, confidence: float = CONFIDENCE
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the lower and the upper ends of the percentile intervals of figures over resamples.

    Args:
        drawn: [resamples, ...], the figures of each resample.
        confidence: share of the resamples within each interval, 0 to 1.
    """
    tail = (1 - confidence) / 2
    low, high = np.quantile(np.asarray(drawn), [tail, 1 - tail], axis=0)
    return low, high


def estimate(value: float, drawn: ArrayLike, confidence: float = CONFIDENCE) -> Estimate:
    """Return a figure on the whole set with its percentile interval.

    Args:
        value: the figure on the whole set.
        drawn: [resamples], the same figure on each resample.
        confidence: share of the resamples within the interval, 0 to 1.
    """
    low, high = percentile_interval(drawn, confidence)
    return {"value": float(value), "low": float(low), "high": float(high)}


def classes(labels: NDArray[np.int64]) -> tuple[Rows, Rows]:
    """Return the positions of the rows without a default, and of those with one."""
    return np.flatnonzero(labels == 0), np.flatnonzero(labels == 1)


def resample(strata: Sequence[Rows], generator: np.random.Generator) -> Rows:
    """Draw with replacement as many rows from each stratum as it has; return them, stratum by stratum."""
    return np.concatenate([generator.choice(members, len(members)) for members in strata])


def stratified_estimates(
    figures: Callable[[Rows], Mapping[str, float]],
    labels: NDArray[np.int64],
    *,
    resamples: int,
    seed: int,
    confidence: float = CONFIDENCE,
) -> dict[str, Estimate]:
    """Return each figure on all rows with its percentile interval over resamples stratified by label.

    Args:
        figures: gives the figures of some rows, by name.
        labels: [rows], 0 or 1; both occur.
        resamples: how many.
        seed: of the resamples.
        confidence: share of the resamples within each interval, 0 to 1.
    """
    generator = np.random.default_rng(seed)
    strata = classes(labels)
    drawn = [figures(resample(strata, generator)) for _ in range(resamples)]
    whole = figures(np.arange(len(labels)))
    return {name: estimate(value, [found[name] for found in drawn], confidence) for name, value in whole.items()}


def jeffreys(defaults: int, rows: int, confidence: float) -> tuple[float, float]:
    """Return the equal-tailed posterior interval of a share under Jeffreys' prior Beta(1/2, 1/2).

    Brown, Cai and DasGupta, "Interval Estimation for a Binomial Proportion", Statistical Science 16 (2001), 4.1.2:
    from 0 where nothing occurred, up to 1 where everything did.
    """
    tail = (1 - confidence) / 2
    low, high = beta.ppf([tail, 1 - tail], defaults + 0.5, rows - defaults + 0.5)
    return (0.0 if defaults == 0 else float(low)), (1.0 if defaults == rows else float(high))


def format_estimate(item: Estimate, form: str = ".4f") -> str:
    """Return an estimate as text, "value (low to high)", each number in the format `form`."""
    return f"{item['value']:{form}} ({item['low']:{form}} to {item['high']:{form}})"
