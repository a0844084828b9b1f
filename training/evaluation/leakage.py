"""Figures that careless splits would have reported: the same models on the same rows, held out in several ways.

Two mistakes make a figure that means nothing. Applicants who agree in every field are put on both sides of the split,
so a model is asked what it was told. And the majority class is thinned before the split, by its distance to the
minority, so the label has helped to choose the rows that the model is judged on. NearMiss: Zhang and Mani, kNN Approach
to Unbalanced Data Distributions (ICML 2003 workshop).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from imblearn.under_sampling import NearMiss
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

from scoring.expected import DataError
from training.evaluation.intervals import Estimate, estimate, format_estimate, resample
from training.families.family import Features, Labels
from training.families.registry import FAMILIES
from training.markdown import table
from training.split import folds
from training.workers import workers

FOLDS = 5
DEFAULTS_TO_OTHERS = 0.25
"""One default to four others, after thinning."""
MODELS: dict[str, dict[str, Any]] = {
    "catboost": {"iterations": 150, "depth": 4, "learning_rate": 0.05},
    "boosting": {"n_estimators": 60, "learning_rate": 0.05, "num_leaves": 8},
    "forest": {"n_estimators": 100},
    "logistic": {"C": 0.1},
}


@dataclass(frozen=True)
class Way:
    """One way to hold rows out."""

    name: str
    together: bool
    """Whether identical applicants stay on one side."""
    thinned: Literal["", "fitted rows", "all rows"] = ""
    """Which rows are thinned: those that a model is fitted on, or all, before the split."""
    shuffled: bool = False
    """Whether labels are dealt out anew, to compare with models of labels that say nothing."""


HONEST = Way("identical applicants together", together=True)
WAYS = (
    HONEST,
    Way("the same, labels shuffled", together=True, shuffled=True),
    Way("identical applicants on both sides", together=False),
    Way("together, fitted rows thinned", together=True, thinned="fitted rows"),
    Way("together, thinned before the split", together=True, thinned="all rows"),
    Way("on both sides, thinned before the split", together=False, thinned="all rows"),
)


@dataclass(frozen=True, eq=False)
class HeldOutRows:
    """Rows to split; `applicant` has the same number for identical ones, see `training.split.applicants`."""

    features: Features
    labels: Labels
    applicant: NDArray[np.int64]

    def __getitem__(self, rows: NDArray[np.int64]) -> HeldOutRows:
        return HeldOutRows(self.features[rows], self.labels[rows], self.applicant[rows])


def thinned(rows: HeldOutRows) -> NDArray[np.int64]:
    """Return the rising positions of all defaults and of four times as many others, those that lie nearest to them.

    Raises:
        DataError: there are not that many others.
    """
    _require_others(rows)
    sampler = NearMiss(sampling_strategy=DEFAULTS_TO_OTHERS)
    sampler.fit_resample(rows.features, rows.labels)
    return np.sort(sampler.sample_indices_)


def _require_others(rows: HeldOutRows) -> None:
    if rows.labels.sum() >= DEFAULTS_TO_OTHERS * (rows.labels == 0).sum():
        raise DataError(f"nothing to thin: {rows.labels.mean():.0%} of the rows are defaults")


def measure(
    rows: HeldOutRows, way: Way, family: str, parameters: Mapping[str, Any], *, resamples: int, seed: int
) -> Estimate:
    """Return the mean AUC over five folds, with its 95 % interval over resampled applicants."""
    if way.shuffled:
        rows = replace(rows, labels=np.random.default_rng(seed).permutation(rows.labels))
    if way.thinned == "all rows":
        rows = rows[thinned(rows)]
    sides = rows.applicant if way.together else np.arange(len(rows.labels))
    parts = folds(sides, rows.labels, FOLDS, seed)
    if way.thinned == "fitted rows":
        parts = [(fitted[thinned(rows[fitted])], held_out) for fitted, held_out in parts]
    log_odds = np.empty(len(rows.labels))
    for fitted, held_out in parts:
        model = FAMILIES[family].fit(rows.features[fitted], rows.labels[fitted], parameters, seed)
        log_odds[held_out] = model.log_odds(rows.features[held_out])
    drawn = [
        _resampled_auc(rows[held_out], log_odds[held_out], resamples, np.random.default_rng([seed, number]))
        for number, (_, held_out) in enumerate(parts)
    ]
    value = np.mean([roc_auc_score(rows.labels[held_out], log_odds[held_out]) for _, held_out in parts])
    return estimate(float(value), np.mean(drawn, axis=0))


def _resampled_auc(
    rows: HeldOutRows, scores: NDArray[np.float64], resamples: int, generator: np.random.Generator
) -> NDArray[np.float64]:
    """Return the AUC on applicants drawn with replacement, [resamples]; each comes with all of its rows.

    Identical applicants get one score, so their rows do not vary by themselves. As many are drawn as there are of
    those with a default among their rows, and of those without one.
    """
    _, applicant = np.unique(rows.applicant, return_inverse=True)
    levels, level = np.unique(scores, return_inverse=True)
    has_default = np.bincount(applicant, rows.labels) > 0
    strata = [np.flatnonzero(has_default), np.flatnonzero(~has_default)]
    result = np.empty(resamples)
    for number in range(resamples):
        drawn = resample(strata, generator)
        weight = np.bincount(drawn, minlength=len(has_default))[applicant]
        defaults = np.bincount(level, weight * rows.labels, len(levels))
        others = np.bincount(level, weight * (1 - rows.labels), len(levels))
        # The share of pairs in which the default has the higher score; equal scores count half.
        won = defaults @ (np.cumsum(others) - others / 2)
        result[number] = won / (defaults.sum() * others.sum())
    return result


def compare_splits(
    rows: HeldOutRows, *, resamples: int, seed: int, tell: Callable[[str, int], None]
) -> dict[str, dict[str, Estimate]]:
    """Return for each way, by its name, the AUC of every model, measured side by side; tell `tell` after each.

    Raises:
        DataError: there are too many defaults to thin the others; nothing is fitted then.
    """
    _require_others(rows)

    def measured(case: tuple[Way, str]) -> tuple[str, str, Estimate]:
        way, family = case
        item = side_by_side.submit(measure, rows, way, family, MODELS[family], resamples=resamples, seed=seed)
        return way.name, family, item.result()

    outcome: dict[str, dict[str, Estimate]] = {way.name: {} for way in WAYS}
    with workers() as side_by_side:
        for way, family, item in side_by_side.for_each(measured, [(way, family) for way in WAYS for family in MODELS]):
            outcome[way][family] = item
            tell(f"{family}: {way}", 1)
    return {way: {family: items[family] for family in MODELS} for way, items in outcome.items()}


def markdown(outcome: Mapping[str, Mapping[str, Estimate]]) -> str:
    """Return a Markdown table: one line per way, one column per model."""
    return table(
        ["rows held out", *MODELS],
        [[name, *(format_estimate(item, ".3f") for item in estimates.values())] for name, estimates in outcome.items()],
    )
