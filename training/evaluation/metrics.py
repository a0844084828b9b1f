"""Metrics of PDs against labels, with bootstrap intervals.

AUC, Gini = 2 AUC - 1, KS (largest distance between the two classes' score distributions), average
precision, Brier score, log loss and expected calibration error.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score, brier_score_loss, log_loss, roc_auc_score, roc_curve
from typing_extensions import TypedDict  # pydantic takes typing's own only from Python 3.12

from training.evaluation.intervals import CONFIDENCE, Estimate, stratified_estimates
from training.families.family import Labels

PDs = NDArray[np.floating]
BINS = 10


class ReliabilityBin(TypedDict):
    """One bin of the reliability table: applications of similar PD."""

    rows: int
    mean_pd: float
    default_share: float


def point_metrics(labels: Labels, pd: PDs) -> dict[str, float]:
    """Return every metric on one set of rows, labels and PDs [rows]; both classes must occur."""
    auc = float(roc_auc_score(labels, pd))
    false_positive, true_positive, _ = roc_curve(labels, pd, drop_intermediate=False)
    return {
        "auc": auc,
        "gini": 2 * auc - 1,
        "ks": float(np.max(true_positive - false_positive)),
        "average_precision": float(average_precision_score(labels, pd)),
        "brier": float(brier_score_loss(labels, pd)),
        "log_loss": float(log_loss(labels, pd.astype(np.float64))),
        "expected_calibration_error": calibration_error(labels, pd),
    }


def reliability(labels: Labels, pd: PDs, bins: int = BINS) -> list[ReliabilityBin]:
    """Return mean PD and share of defaults in at most `bins` bins of equal size, by rising PD."""
    order = np.argsort(pd, kind="stable")
    return [
        {
            "rows": len(part),
            "mean_pd": float(pd[part].mean(dtype=np.float64)),
            "default_share": float(labels[part].mean()),
        }
        for part in np.array_split(order, bins)
        if len(part)
    ]


def calibration_error(labels: Labels, pd: PDs, bins: int = BINS) -> float:
    """Return the mean distance of mean PD and share of defaults over bins of equal size, weighted by their rows.

    Naeini, Cooper and Hauskrecht (AAAI 2015), with equal-size instead of equal-width bins, so that
    no bin is empty at the low PDs where most applicants are.
    """
    return sum(
        part["rows"] * abs(part["mean_pd"] - part["default_share"]) for part in reliability(labels, pd, bins)
    ) / len(labels)


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
