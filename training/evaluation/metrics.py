"""Metrics of PDs against labels, with bootstrap intervals.

AUC, Gini = 2 AUC - 1, KS (largest distance between the two classes' score distributions), average
precision, Brier score, log loss and expected calibration error.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score, brier_score_loss, log_loss, roc_auc_score, roc_curve
from typing_extensions import TypedDict  # pydantic takes typing's own only from Python 3.12

from training.families.family import Labels

PDs = NDArray[np.floating]
BINS = 10


class Estimate(TypedDict):
    """A metric on the whole set, and the interval that holds it in `confidence` of the resamples."""

    value: float
    low: float
    high: float


class ReliabilityBin(TypedDict):
    """One bin of the reliability table: applications of similar PD."""

    rows: int
    mean_pd: float
    default_share: float


def point_metrics(labels: Labels, pd: PDs) -> dict[str, float]:
    """Every metric on one set of rows; both classes must occur."""
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
    """Mean PD and share of defaults in bins of equal size, by rising PD."""
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
    """Mean distance of mean PD and share of defaults over bins of equal size, weighted by their rows.

    Naeini, Cooper and Hauskrecht (AAAI 2015), with equal-size instead of equal-width bins, so that
    no bin is empty at the low PDs where most applicants are.
    """
    return sum(
        part["rows"] * abs(part["mean_pd"] - part["default_share"]) for part in reliability(labels, pd, bins)
    ) / len(labels)


def bootstrap(labels: Labels, pd: PDs, *, resamples: int, seed: int, confidence: float = 0.95) -> dict[str, Estimate]:
    """Every metric with its percentile interval over stratified resamples of the rows."""
    generator = np.random.default_rng(seed)
    classes = [np.flatnonzero(labels == label) for label in (0, 1)]
    drawn: list[Mapping[str, float]] = []
    for _ in range(resamples):
        rows = np.concatenate([generator.choice(members, len(members)) for members in classes])
        drawn.append(point_metrics(labels[rows], pd[rows]))
    tail = (1 - confidence) / 2
    estimates: dict[str, Estimate] = {}
    for name, value in point_metrics(labels, pd).items():
        low, high = np.quantile([sample[name] for sample in drawn], [tail, 1 - tail])
        estimates[name] = {"value": value, "low": float(low), "high": float(high)}
    return estimates
