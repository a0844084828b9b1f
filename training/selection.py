"""Candidates compete on the same folds; gates decide, not names."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import joblib
import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel
from sklearn.metrics import brier_score_loss, roc_auc_score
from sklearn.model_selection import ParameterSampler

from training import imbalance as balancing
from training.calibration import Calibration
from training.evaluation.intervals import Estimate, estimate, resample
from training.evaluation.metrics import calibration_error
from training.families.family import Family, Features, Labels
from training.imbalance import Imbalance

Tick = Callable[[], None]


class GateResult(BaseModel):
    """One gate's verdict on one candidate."""

    gate: str
    value: float
    limit: float
    holds: bool


class CandidateResult(BaseModel):
    """How one candidate did on the folds."""

    name: str
    family: str
    features: str
    inputs: int
    parameters: dict[str, Any]
    imbalance: Imbalance = "none"
    fold_auc: list[float]
    auc: float
    auc_deviation: float
    brier: float
    """Out of fold, calibrated."""
    expected_calibration_error: float
    calibration: str
    brier_by_calibration: dict[str, float]
    reasons_microseconds: float
    """Standard ones; see `training.evaluation.timing`."""
    gates: list[GateResult] = []

    @property
    def passes(self) -> bool:
        """True when every gate holds."""
        return all(gate.holds for gate in self.gates)


def out_of_fold(
    family: Family,
    features: Features,
    labels: Labels,
    parts: Sequence[tuple[NDArray[np.int64], NDArray[np.int64]]],
    parameters: Mapping[str, Any],
    seed: int,
    tick: Tick,
    imbalance: Imbalance = "none",
) -> NDArray[np.float64]:
    """Each row's log-odds by the model that was fitted without its fold; only the fitted rows are balanced."""
    result = np.empty(len(labels))
    for fitted, held_out in parts:
        model = balancing.fit(family, features[fitted], labels[fitted], parameters, imbalance, seed)
        result[held_out] = model.log_odds(features[held_out])
        tick()
    return result


def search(
    family: Family,
    features: Features,
    labels: Labels,
    parts: Sequence[tuple[NDArray[np.int64], NDArray[np.int64]]],
    parameters: Mapping[str, Any],
    choices: Mapping[str, Sequence[Any]],
    iterations: int,
    seed: int,
    tick: Tick,
    imbalance: Imbalance = "none",
) -> dict[str, Any]:
    """The parameters with the highest mean AUC over the folds, of `iterations` drawn at random."""
    drawn = [{**parameters, **draw} for draw in ParameterSampler(dict(choices), iterations, random_state=seed)]

    def auc(tried: Mapping[str, Any], fitted: NDArray[np.int64], held_out: NDArray[np.int64]) -> float:
        model = balancing.fit(family, features[fitted], labels[fitted], tried, imbalance, seed)
        tick()
        return float(roc_auc_score(labels[held_out], model.log_odds(features[held_out])))

    # LightGBM works outside Python's lock, so threads use all cores and need no copies of the data. Each works with
    # one thread of its own, in predictions too: another number changes it for all, and they crash.
    fits = joblib.Parallel(n_jobs=-1, prefer="threads")(
        joblib.delayed(auc)(tried, *part) for tried in drawn for part in parts
    )
    means = np.array(fits).reshape(len(drawn), len(parts)).mean(axis=1)
    return drawn[int(means.argmax())]


def fold_result(
    labels: Labels,
    log_odds: NDArray[np.float64],
    parts: Sequence[tuple[NDArray[np.int64], NDArray[np.int64]]],
    calibration: Calibration,
) -> dict[str, Any]:
    """AUC per fold, and Brier score and calibration error of the calibrated out-of-fold PDs."""
    pd = calibration.pd(log_odds)
    fold_auc = [float(roc_auc_score(labels[held_out], log_odds[held_out])) for _, held_out in parts]
    return {
        "fold_auc": fold_auc,
        "auc": float(np.mean(fold_auc)),
        "auc_deviation": float(np.std(fold_auc)),
        "brier": float(brier_score_loss(labels, pd)),
        "expected_calibration_error": calibration_error(labels, pd),
        "calibration": calibration.method,
    }


def fold_interval(
    labels: Labels,
    log_odds: NDArray[np.float64],
    parts: Sequence[tuple[NDArray[np.int64], NDArray[np.int64]]],
    resamples: int,
    seed: int,
) -> Estimate:
    """Return the mean AUC over the folds, with its percentile interval over stratified resamples of each fold."""
    generator = np.random.default_rng(seed)
    folds_of_classes = [[held_out[labels[held_out] == label] for label in (0, 1)] for _, held_out in parts]

    def mean_auc(drawn: Sequence[NDArray[np.int64]]) -> float:
        return float(np.mean([roc_auc_score(labels[rows], log_odds[rows]) for rows in drawn]))

    means = [mean_auc([resample(strata, generator) for strata in folds_of_classes]) for _ in range(resamples)]
    return estimate(mean_auc([held_out for _, held_out in parts]), means)


def judge(
    results: Sequence[CandidateResult],
    *,
    auc_tolerance: float,
    calibration_error_limit: float,
    reasons_microseconds_limit: float,
) -> CandidateResult | None:
    """Fills in each candidate's gates and gives the winner: of those that pass, the highest AUC.

    Gates: AUC at least the best of all less a share of it; calibration error; and the time that exact
    reasons for one application take, in standard microseconds, since every decline is answered with reasons.
    """
    best = max(result.auc for result in results)
    for result in results:
        result.gates = [
            _gate("auc", result.auc, best * (1 - auc_tolerance), at_least=True),
            _gate("expected_calibration_error", result.expected_calibration_error, calibration_error_limit),
            _gate("reasons_microseconds", result.reasons_microseconds, reasons_microseconds_limit),
        ]
    passing = [result for result in results if result.passes]
    return max(passing, key=lambda result: result.auc, default=None)


def _gate(name: str, value: float, limit: float, *, at_least: bool = False) -> GateResult:
    return GateResult(gate=name, value=value, limit=limit, holds=value >= limit if at_least else value <= limit)
