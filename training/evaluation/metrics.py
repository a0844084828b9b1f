"""Metrics of PDs against labels, with bootstrap intervals.

AUC, Gini = 2 AUC - 1, KS (largest distance between the two classes' score distributions), average
precision, Brier score, log loss and expected calibration error.

All come from one sorting of the rows. They are scikit-learn's values, as tests/training/evaluation/test_metrics.py
holds; its functions would spend 19 of 20 parts of their time on checks of their arguments, and an interval takes a
thousand calls.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import xlogy
from typing_extensions import TypedDict  # pydantic takes typing's own only from Python 3.12

from training.evaluation.intervals import CONFIDENCE, Estimate, stratified_estimates
from training.families.family import Labels

PDs = NDArray[np.floating]
BINS = 10
LEAST_PD = np.finfo(np.float64).eps
"""The log loss takes a PD nearer to 0 or 1 than this as that far away, as scikit-learn's does."""


class ReliabilityBin(TypedDict):
    """One bin of the reliability table: applications of similar PD."""

    rows: int
    mean_pd: float
    default_share: float


def point_metrics(labels: Labels, pd: PDs) -> dict[str, float]:
    """Return every metric on one set of rows, labels and PDs [rows]; both classes must occur."""
    order = np.argsort(pd, kind="stable")
    ranked, rising = labels[order], pd[order].astype(np.float64)
    # From the highest PD down, after each row that is the last of its PD.
    last = np.append(np.flatnonzero(np.diff(rising[::-1])), len(rising) - 1)
    found = np.cumsum(ranked[::-1])[last].astype(np.float64)
    recall = np.append(0.0, found / found[-1])
    false_alarms = 1 + last - found
    false_share = np.append(0.0, false_alarms / false_alarms[-1])
    auc = float(np.trapezoid(recall, false_share))
    distant = rising.clip(LEAST_PD, 1 - LEAST_PD)
    return {
        "auc": auc,
        "gini": 2 * auc - 1,
        "ks": float(np.max(recall - false_share)),
        "average_precision": float(np.diff(recall) @ (found / (1 + last))),
        "brier": float(np.mean((ranked - rising) ** 2)),
        "log_loss": float(-np.mean(xlogy(ranked, distant) + xlogy(1 - ranked, 1 - distant))),
        "expected_calibration_error": _calibration_error(*_bins(ranked, rising, BINS)),
    }


def reliability(labels: Labels, pd: PDs, bins: int = BINS) -> list[ReliabilityBin]:
    """Return mean PD and share of defaults in at most `bins` bins of equal size, by rising PD."""
    return [
        {"rows": rows, "mean_pd": mean_pd, "default_share": share}
        for rows, mean_pd, share in zip(*(column.tolist() for column in _sorted_bins(labels, pd, bins)), strict=True)
    ]


def calibration_error(labels: Labels, pd: PDs, bins: int = BINS) -> float:
    """Return the mean distance of mean PD and share of defaults over bins of equal size, weighted by their rows.

    Naeini, Cooper and Hauskrecht (AAAI 2015), with equal-size instead of equal-width bins, so that
    no bin is empty at the low PDs where most applicants are.
    """
    return _calibration_error(*_sorted_bins(labels, pd, bins))


Bins = tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]
"""Rows, mean PD and share of defaults of each bin."""


def _sorted_bins(labels: Labels, pd: PDs, bins: int) -> Bins:
    order = np.argsort(pd, kind="stable")
    return _bins(labels[order], pd[order].astype(np.float64), bins)


def _bins(labels: Labels, pd: PDs, bins: int) -> Bins:
    """Return at most `bins` bins of rows that are sorted by PD; the first ones have a row more where they must."""
    few, more = divmod(len(pd), bins)
    rows = np.repeat([few + 1, few], [more, bins - more])
    rows = rows[rows > 0]
    starts = np.cumsum(rows) - rows
    return rows, np.add.reduceat(pd, starts) / rows, np.add.reduceat(labels, starts) / rows


def _calibration_error(rows: NDArray[np.int64], mean_pd: NDArray[np.float64], share: NDArray[np.float64]) -> float:
    return float(rows @ np.abs(mean_pd - share) / rows.sum())


def bootstrap(
    labels: Labels, pd: PDs, *, resamples: int, seed: int, confidence: float = CONFIDENCE
) -> dict[str, Estimate]:
    """Return every metric with its percentile interval over stratified resamples of the rows.

    Args:
        labels: [rows], 0 or 1; both occur.
        pd: [rows].
        resamples: how many.
        seed: of the resamples.
        confidence: share of the resamples within each interval, 0 to 1.
    """
    return stratified_estimates(
        lambda rows: point_metrics(labels[rows], pd[rows]),
        labels,
        resamples=resamples,
        seed=seed,
        confidence=confidence,
    )
