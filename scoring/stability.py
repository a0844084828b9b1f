"""How far one distribution has moved from another: the population stability index (PSI).

PSI = sum over bins of (c - r) * ln(c / r), with the shares c and r of current and reference in each bin.
Below 0.1 little has changed, from 0.25 on much: N. Siddiqi, Credit Risk Scorecards (Wiley 2006), chapter 8.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def population_stability_index(reference: NDArray[np.floating], current: NDArray[np.floating], bins: int = 10) -> float:
    """Return the PSI of two samples of numbers, over bins between the reference's quantiles.

    The end bins are open; edges that are equal are one.

    Args:
        reference: [rows], at least one.
        current: [rows], at least one.
        bins: how many at most.
    """
    edges = np.unique(np.quantile(reference, np.linspace(0, 1, bins + 1)[1:-1]))
    return stability_of_counts(
        *(
            np.bincount(np.searchsorted(edges, values, side="right"), minlength=len(edges) + 1)
            for values in (reference, current)
        )
    )


def stability_of_counts(reference: NDArray[np.int64], current: NDArray[np.int64]) -> float:
    """Return the PSI of two samples by their rows in each bin.

    A bin that is empty on one side counts half a row there; one that is empty on both sides counts nothing.

    Args:
        reference: [bins], at least one row in all.
        current: [bins], at least one row in all.
    """
    used = reference + current > 0
    before, now = (np.maximum(counts[used], 0.5) / counts.sum() for counts in (reference, current))
    return float(np.sum((now - before) * np.log(now / before)))
