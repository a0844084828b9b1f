"""Candidates compete on the same folds; gates decide, not names."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import joblib
import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel
from sklearn.base import BaseEstimator
from sklearn.metrics import brier_score_loss, roc_auc_score
from sklearn.model_selection import RandomizedSearchCV

from training import imbalance as balancing
from training.calibration import Calibration
from training.competition_params import Candidate
from training.evaluation.intervals import Estimate, estimate, resample
from training.evaluation.metrics import calibration_error
from training.families.family import Family, Features, Labels
from training.imbalance import Imbalance
from training.workers import Workers

Tick = Callable[[], None]


@dataclass(frozen=True, eq=False)
class Fold:
    """Positions of the rows that a model is fitted on and judged by, each in rising order."""

    fitted: NDArray[np.int64]
    held_out: NDArray[np.int64]
    features: Features
    """[rows, features] of all rows, with all that is learnt for them from the fitted ones."""


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
    tied_share: float = 0.0
    """Share of the rows on the calibration's largest plateau."""
    brier_by_calibration: dict[str, float]
    reasons_microseconds: float
    """Standard ones; see `training.evaluation.timing`."""
    gates: list[GateResult] = []

    @property
    def settled(self) -> Candidate:
        """The candidate with the parameters that its search chose."""
        return Candidate(
            family=self.family, features=self.features, parameters=self.parameters, imbalance=self.imbalance
        )

    @property
    def passes(self) -> bool:
        """True when every gate holds."""
        return all(gate.holds for gate in self.gates)


def out_of_fold(
    workers: Workers,
    family: Family,
    labels: Labels,
    folds: Sequence[Fold],
    parameters: Mapping[str, Any],
    seed: int,
    tick: Tick,
    imbalance: Imbalance = "none",
) -> NDArray[np.float64]:
    """Return each row's log-odds by the model that was fitted without its fold; only the fitted rows are balanced."""
    fits = [
        workers.submit(
            held_out_log_odds,
            family,
            fold.features[fold.fitted],
            labels[fold.fitted],
            fold.features[fold.held_out],
            parameters,
            seed,
            imbalance,
        )
        for fold in folds
    ]
    result = np.empty(len(labels))
    for fold, fit in zip(folds, fits, strict=True):
        result[fold.held_out] = fit.result()
        tick()
    return result


def held_out_log_odds(
    family: Family,
    features: Features,
    labels: Labels,
    held_out: Features,
    parameters: Mapping[str, Any],
    seed: int,
    imbalance: Imbalance,
) -> NDArray[np.float64]:
    """Fit a model, and return the log-odds of rows that it has not seen, [held-out rows]."""
    return balancing.fit(family, features, labels, parameters, imbalance, seed).log_odds(held_out)


class _Draw(BaseEstimator):  # type: ignore[misc]  # scikit-learn ships no types
    """Drawn parameters, as RandomizedSearchCV sets, fits and scores them; rows are known by their positions."""

    def __init__(self, auc: Callable[..., float], parameters: Mapping[str, Any]) -> None:
        self.auc = auc
        self.parameters = parameters

    def __sklearn_clone__(self) -> _Draw:
        return _Draw(self.auc, self.parameters)

    def set_params(self, **drawn: Any) -> _Draw:
        """Add what was drawn to the parameters that stay."""
        self.parameters = {**self.parameters, **drawn}
        return self

    def fit(self, fitted: NDArray[np.int64], labels: Labels) -> _Draw:  # noqa: ARG002  # scikit-learn's signature
        """Keep the rows: a process fits and scores in one step, so that no model travels."""
        self._fitted = fitted
        return self

    def score(self, held_out: NDArray[np.int64], labels: Labels) -> float:  # noqa: ARG002  # scikit-learn's signature
        """Return the AUC on the held-out rows."""
        return self.auc(self.parameters, self._fitted, held_out)


def search(
    workers: Workers,
    family: Family,
    labels: Labels,
    folds: Sequence[Fold],
    parameters: Mapping[str, Any],
    choices: Mapping[str, Sequence[Any]],
    iterations: int,
    seed: int,
    tick: Tick,
    imbalance: Imbalance = "none",
) -> tuple[dict[str, Any], NDArray[np.float64]]:
    """Draw parameters at random, by RandomizedSearchCV, and choose those with the highest mean AUC over the folds.

    Returns:
        The parameters, and each row's log-odds by the model that was fitted with them without its fold, [rows].
    """
    tried: dict[str, NDArray[np.float64]] = {}
    # A row is held out once.
    features_of = {int(fold.held_out[0]): fold.features for fold in folds}

    def auc(drawn: Mapping[str, Any], fitted: NDArray[np.int64], held_out: NDArray[np.int64]) -> float:
        features = features_of[int(held_out[0])]
        fit = workers.submit(
            held_out_log_odds,
            family,
            features[fitted],
            labels[fitted],
            features[held_out],
            drawn,
            seed,
            imbalance,
        )
        log_odds = tried.setdefault(repr(drawn), np.empty(len(labels)))
        log_odds[held_out] = fit.result()
        tick()
        return float(roc_auc_score(labels[held_out], log_odds[held_out]))

    draws = RandomizedSearchCV(
        _Draw(auc, parameters),
        dict(choices),
        n_iter=iterations,
        cv=[(fold.fitted, fold.held_out) for fold in folds],
        random_state=seed,
        refit=False,
        error_score="raise",
        n_jobs=workers.count,
    )
    # Threads, because they only wait for the workers.
    with joblib.parallel_config("threading"):
        draws.fit(np.arange(len(labels)), labels)
    best = {**parameters, **draws.best_params_}
    return best, tried[repr(best)]


def fold_result(
    labels: Labels,
    log_odds: NDArray[np.float64],
    folds: Sequence[Fold],
    calibration: Calibration,
) -> dict[str, Any]:
    """Return the AUC per fold, and Brier score and calibration error of the calibrated out-of-fold PDs."""
    pd = calibration.pd(log_odds)
    fold_auc = [float(roc_auc_score(labels[fold.held_out], log_odds[fold.held_out])) for fold in folds]
    return {
        "fold_auc": fold_auc,
        "auc": float(np.mean(fold_auc)),
        "auc_deviation": float(np.std(fold_auc)),
        "brier": float(brier_score_loss(labels, pd)),
        "expected_calibration_error": calibration_error(labels, pd),
        "calibration": calibration.method,
        "tied_share": calibration.tied_share(log_odds),
    }


def fold_interval(
    labels: Labels,
    log_odds: NDArray[np.float64],
    folds: Sequence[Fold],
    resamples: int,
    seed: int,
) -> Estimate:
    """Return the mean AUC over the folds, with its percentile interval over stratified resamples of each fold."""
    generator = np.random.default_rng(seed)
    folds_of_classes = [[rows[labels[rows] == label] for label in (0, 1)] for rows in (fold.held_out for fold in folds)]

    def mean_auc(drawn: Sequence[NDArray[np.int64]]) -> float:
        return float(np.mean([roc_auc_score(labels[rows], log_odds[rows]) for rows in drawn]))

    means = [mean_auc([resample(strata, generator) for strata in folds_of_classes]) for _ in range(resamples)]
    return estimate(mean_auc([fold.held_out for fold in folds]), means)


def choose_winner(
    results: Sequence[CandidateResult],
    *,
    auc_tolerance: float,
    calibration_error_limit: float,
    reasons_microseconds_limit: float,
) -> CandidateResult | None:
    """Fill in each candidate's gates, and return the winner: of those that pass, the highest AUC.

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
