"""Two models on the same applications: how far their PDs, decisions and, with labels, their ranking differ."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel
from scipy.stats import spearmanr

from scoring.expected import DataError
from scoring.stability import population_stability_index
from training.evaluation.intervals import Estimate, Rows, classes, stratified_estimates
from training.evaluation.metrics import PDs, point_metrics
from training.families.family import Labels

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
LEAST_OF_EACH = 10
"""Defaults, and others, below which labels say nothing."""

Side = Literal["champion", "challenger"]
Flags = NDArray[np.bool_]


class Flips(BaseModel):
    """Applications on which the two decide differently."""

    to_decline: int
    """Approved by the champion, declined by the challenger."""
    to_approve: int
    share: float


class Matured(BaseModel):
    """Figures of both by the labels, on the applications that have one."""

    applications: int
    defaults: int
    champion: dict[str, float]
    """AUC, KS and Brier score."""
    challenger: dict[str, float]
    difference: dict[str, Estimate]
    """Challenger less champion, with the interval over resamples of the same applications for both."""


class Comparison(BaseModel):
    """Both models on the same applications; differences are challenger less champion."""

    applications: int
    approval_rate: dict[Side, float]
    mean_pd: dict[Side, float]
    pd_shift: dict[str, float]
    """Mean, and quantiles by share, of the difference of the PDs of each application."""
    psi: float
    """PSI of the challenger's PDs against the champion's."""
    rank_correlation: float | None
    """Spearman's; None where one gives everybody the same PD."""
    flips: Flips
    matured: Matured | None
    """None where labels are missing or too few."""


def compare_models(
    champion: PDs,
    challenger: PDs,
    declined: Mapping[Side, Flags],
    labels: NDArray[np.floating],
    *,
    resamples: int,
    seed: int,
) -> Comparison:
    """Compare champion and challenger on the same applications.

    Args:
        champion: [applications], PDs.
        challenger: [applications], PDs.
        declined: [applications] for each side, as each decided or would have.
        labels: [applications], 1 for a default, 0 for none, NaN where nobody knows yet.
        resamples: for each interval.
        seed: of the resamples.

    Raises:
        DataError: there are no applications.
    """
    if not len(champion):
        raise DataError("there are no applications that both models have scored")
    first, second = champion.astype(np.float64), challenger.astype(np.float64)
    shift = second - first
    to_decline = int(np.sum(declined["challenger"] & ~declined["champion"]))
    to_approve = int(np.sum(declined["champion"] & ~declined["challenger"]))
    known = ~np.isnan(labels)
    return Comparison(
        applications=len(first),
        approval_rate={side: float(1 - flags.mean()) for side, flags in declined.items()},
        mean_pd={"champion": float(first.mean()), "challenger": float(second.mean())},
        pd_shift={
            "mean": float(shift.mean()),
            **{f"{share:g}": float(np.quantile(shift, share)) for share in QUANTILES},
        },
        psi=population_stability_index(first, second),
        rank_correlation=float(spearmanr(first, second).statistic) if np.ptp(first) and np.ptp(second) else None,
        flips=Flips(to_decline=to_decline, to_approve=to_approve, share=(to_decline + to_approve) / len(first)),
        matured=_matured(labels[known].astype(np.int64), first[known], second[known], resamples=resamples, seed=seed),
    )


def _matured(labels: Labels, champion: PDs, challenger: PDs, *, resamples: int, seed: int) -> Matured | None:
    if min(map(len, classes(labels))) < LEAST_OF_EACH:
        return None

    def difference(rows: Rows) -> dict[str, float]:
        before, after = (_figures(labels[rows], pd[rows]) for pd in (champion, challenger))
        return {name: after[name] - value for name, value in before.items()}

    return Matured(
        applications=len(labels),
        defaults=int(labels.sum()),
        champion=_figures(labels, champion),
        challenger=_figures(labels, challenger),
        difference=stratified_estimates(difference, labels, resamples=resamples, seed=seed),
    )


def _figures(labels: Labels, pd: PDs) -> dict[str, float]:
    found = point_metrics(labels, pd)
    return {name: found[name] for name in ("auc", "ks", "brier")}


def verdict(found: Comparison) -> str:
    """Return one line: how differently the two decide and, where labels say so, which one is better."""
    rate = 100 * (found.approval_rate["challenger"] - found.approval_rate["champion"])
    said = (
        f"{found.flips.share:.2%} of {found.applications:,} decisions differ, approval rate {rate:+.2f} points, "
        f"PSI {found.psi:.4f}; "
    )
    if found.matured is None:
        return said + "too few outcomes to say which is better"
    better: dict[str, Callable[[Estimate], int]] = {
        "auc": lambda estimate: (estimate["low"] > 0) - (estimate["high"] < 0),
        "brier": lambda estimate: (estimate["high"] < 0) - (estimate["low"] > 0),
    }
    signs = {sign(found.matured.difference[name]) for name, sign in better.items()}
    if {1, -1} <= signs:
        return said + "the challenger is better by one of AUC and Brier score and worse by the other"
    if 1 in signs:
        return said + f"the challenger is better on {found.matured.applications:,} outcomes"
    if -1 in signs:
        return said + f"the challenger is worse on {found.matured.applications:,} outcomes"
    return said + f"{found.matured.applications:,} outcomes do not show which is better"
