"""Where to decline: expected profit by cut-off.

An approved application that does not default earns the margin, one that defaults loses the loss given
default, and a declined one does neither; each has one unit of exposure. Of calibrated PDs the profit to
expect of approving everybody below a cut-off is the sum of (1 - PD) * margin - PD * loss given default.
C. Elkan, The foundations of cost-sensitive learning (IJCAI 2001).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scoring.decision_rules import declined
from scoring.expected import DataError
from scoring.policy import Assumptions
from training.evaluation.intervals import Estimate, estimate, percentile_interval
from training.evaluation.metrics import PDs
from training.families.family import Labels

EQUAL = 1e-12
"""Profits per application that differ by no more are the same: sums of floats are rounded."""

Numbers = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Curve:
    """The effects of rising cut-offs on the same rows, by cut-off. Profits are per application, approved or not."""

    cutoffs: Numbers
    approval_rate: Numbers
    expected_bad_rate: Numbers
    """Mean PD of those approved; NaN where nobody is."""
    observed_bad_rate: Numbers
    """Share of defaults of those approved; NaN where nobody is."""
    expected_profit: Numbers
    observed_profit: Numbers
    low: Numbers
    """Lower end of the observed profit's 95 % interval."""
    high: Numbers


def possible_cutoffs(pd: PDs) -> Numbers:
    """Return cut-offs between 0 and 1, rising, one for each set of applications that a cut-off can approve.

    A cut-off declines the PD that it equals, so applications of the same PD fare alike.

    Raises:
        DataError: there are no PDs, or one is not within 0 and 1.
    """
    distinct = np.unique(_checked(pd))
    before = np.concatenate([[0.0], distinct])
    after = np.append(distinct, 1.0)
    # The first PD that is declined; where that would be 1, or everybody is approved, any number up to there.
    cutoffs = np.where(after < 1, after, (before + 1) / 2)
    possible: Numbers = cutoffs[(cutoffs > before) & (cutoffs < 1)]
    return possible


def find(pd: PDs, assumptions: Assumptions) -> float:
    """Return the cut-off of the highest expected profit that approves at least the lowest approval rate.

    Of several with the same profit it is the lowest: the same is earned and less is lent. It looks at PDs
    only, so labels of the same rows can still say what it is worth.

    Raises:
        DataError: no cut-off approves so many, there are no PDs, or one is not within 0 and 1.
    """
    exact = _checked(pd)
    cutoffs = possible_cutoffs(exact)
    approved = _below(exact, cutoffs, np.ones(len(exact)))
    enough = approved / len(exact) >= assumptions.lowest_approval_rate
    if not enough.any():
        raise DataError(
            f"no cut-off below 1 approves {assumptions.lowest_approval_rate:.1%} of {len(exact):,} applications"
        )
    profit = _below(exact, cutoffs, _expected(exact, assumptions)) / len(exact)
    best = np.flatnonzero(enough & (profit >= profit[enough].max() - EQUAL))[0]
    # Every number down to the PD before approves the same; the break-even is the one with a meaning.
    break_even = assumptions.break_even
    meant = 0 < break_even < 1 and np.count_nonzero(~declined(exact, break_even)) == approved[best]
    return break_even if meant else float(cutoffs[best])


def measure(labels: Labels, pd: PDs, cutoffs: Numbers, assumptions: Assumptions, *, resamples: int, seed: int) -> Curve:
    """Return what rising cut-offs make of the rows, with percentile intervals over resamples of them.

    Resamples are not stratified: how many default is a part of what is uncertain in a profit.

    Raises:
        DataError: labels and PDs do not belong together, or cut-offs do not rise.
    """
    exact, observed = _checked(pd), _observed(labels, pd, assumptions)
    if np.any(np.diff(cutoffs) <= 0):
        raise DataError("cut-offs must rise")
    rows = len(exact)
    approved = _below(exact, cutoffs, np.ones(rows))
    share = np.where(approved > 0, approved, np.nan)
    drawn = [_below(exact[chosen], cutoffs, observed[chosen]) / rows for chosen in _resampled(rows, resamples, seed)]
    low, high = percentile_interval(drawn)
    return Curve(
        cutoffs=cutoffs,
        approval_rate=approved / rows,
        expected_bad_rate=_below(exact, cutoffs, exact) / share,
        observed_bad_rate=_below(exact, cutoffs, labels.astype(np.float64)) / share,
        expected_profit=_below(exact, cutoffs, _expected(exact, assumptions)) / rows,
        observed_profit=_below(exact, cutoffs, observed) / rows,
        low=low,
        high=high,
    )


def compare_cutoffs(
    labels: Labels, pd: PDs, before: float, after: float, assumptions: Assumptions, *, resamples: int, seed: int
) -> Estimate:
    """Return what the cut-off `after` would have earned more than `before`, with its interval over the same resamples.

    Both are per application, approved or not, in units of exposure.

    Raises:
        DataError: as `measure`.
    """
    exact, observed = _checked(pd), _observed(labels, pd, assumptions)
    more = observed * ~declined(exact, after) - observed * ~declined(exact, before)
    return estimate(more.mean(), [more[chosen].mean() for chosen in _resampled(len(more), resamples, seed)])


def _checked(pd: PDs) -> Numbers:
    if len(pd) == 0:
        raise DataError("there are no applications to find a cut-off on")
    # As `scoring.decision_rules.declined` compares it with the cut-off.
    exact = pd.astype(np.float64)
    if not np.all((exact >= 0) & (exact <= 1)):
        raise DataError("a PD is not a number from 0 to 1")
    return exact


def _expected(pd: Numbers, assumptions: Assumptions) -> Numbers:
    return (1 - pd) * assumptions.margin - pd * assumptions.loss_given_default


def _observed(labels: Labels, pd: PDs, assumptions: Assumptions) -> Numbers:
    if len(labels) != len(pd):
        raise DataError(f"{len(labels):,} labels for {len(pd):,} PDs")
    if not np.all((labels == 0) | (labels == 1)):
        raise DataError("a label is neither 0 nor 1")
    return np.where(labels == 1, -assumptions.loss_given_default, assumptions.margin)


def _below(pd: Numbers, cutoffs: Numbers, values: Numbers) -> Numbers:
    """Return the sum of the values of all rows below each cut-off, [cut-offs]."""
    first = np.searchsorted(cutoffs, pd, side="right")
    sums: Numbers = np.bincount(first, weights=values, minlength=len(cutoffs) + 1)[: len(cutoffs)].cumsum()
    return sums


def _resampled(rows: int, resamples: int, seed: int) -> Iterator[NDArray[np.int64]]:
    generator = np.random.default_rng(seed)
    for _ in range(resamples):
        yield generator.integers(rows, size=rows)
