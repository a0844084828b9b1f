"""How decisions turned out: realised metrics, calibration by risk band, and whether a model has decayed.

Rows are decisions, as a table with the columns `pd` (float64), `declined` (bool), `band`, `month` and `model` (text),
`matured` (bool, whether an outcome is known) and `defaulted` (int64, 0 where none is).

Outcomes exist mostly of applications that were approved. Among those PDs lie closer together, so even a perfect model
ranks them less well than its test rows; what a model's own PDs promise on the same rows is the fair measure.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Literal

import numpy as np
import pandas as pd
from pydantic import BaseModel
from sklearn.metrics import roc_auc_score

from training.evaluation.intervals import CONFIDENCE, Estimate, format_estimate, jeffreys
from training.evaluation.metrics import PDs, bootstrap
from training.families.family import Labels

PerformanceStatus = Literal["ok", "decay", "too few"]

METRICS = ("auc", "gini", "ks", "brier", "expected_calibration_error")
ALL_BANDS = "all"
LEAST_OF_EACH = 10
"""Defaults, and others, that an interval of AUC must rest on to be judged by."""
DRAWN_ROWS = 20_000_000
"""Rows that all resamples of one interval draw together, beyond the first `LEAST_RESAMPLES`."""
LEAST_RESAMPLES = 100


class BandFigures(BaseModel):
    """Expected and observed defaults of one risk band, or of all."""

    band: str
    matured: int
    defaults: int
    expected: float
    """Mean PD."""
    observed: float
    """Share of defaults."""
    low: float
    high: float
    """Interval of the share; see `figures`."""

    def off(self, tolerance: float) -> bool:
        """Return whether the expected share lies outside the interval, by more than the tolerance."""
        return not self.low - tolerance <= self.expected <= self.high + tolerance


class Figures(BaseModel):
    """The outcomes of some decisions, in figures."""

    decisions: int
    approval_rate: float
    matured: int
    matured_approved: int
    """The matured ones that had been approved."""
    defaults: int
    metrics: dict[str, Estimate]
    """`METRICS`; empty where outcomes of one kind only are known."""
    promised: dict[str, float]
    """AUC and Brier score that are expected on the same rows if every PD is right; see `promised`."""
    calibration: list[BandFigures]
    """`ALL_BANDS` first, then by rising risk the bands that have outcomes."""

    @property
    def approved_only(self) -> bool:
        """Whether every known outcome is of an approval."""
        return self.matured > 0 and self.matured == self.matured_approved


class Judgement(BaseModel):
    """The verdict on one version of a model."""

    model: str
    last_month: str
    """In which it last decided."""
    figures: Figures
    tested: dict[str, float] | None
    """The metrics of its record, from its test rows; None if the model is gone from the store."""
    verdict: PerformanceStatus
    flags: list[str]
    """Why it has decayed."""


class Cohort(BaseModel):
    """The decisions of one month."""

    month: str
    figures: Figures


def promised(scores: PDs) -> dict[str, float]:
    """Return AUC and Brier score that are expected of rows with these PDs if each of them is right.

    The AUC is the model-based concordance of van Klaveren, Gönen, Steyerberg and Vergouwe, Statistics in Medicine 35
    (2016): each row counts as a default by its PD and as none by the rest. The Brier score is the mean of
    PD (1 - PD).
    """
    exact = scores.astype(np.float64)
    result = {"brier": float(np.mean(exact * (1 - exact)))}
    if 0 < exact.sum() < len(exact):
        both = np.concatenate([np.ones(len(exact)), np.zeros(len(exact))])
        weights = np.concatenate([exact, 1 - exact])
        result["auc"] = float(roc_auc_score(both, np.tile(exact, 2), sample_weight=weights))
    return result


def figures(rows: pd.DataFrame, bands: Sequence[str], *, resamples: int, seed: int) -> Figures:
    """Return the figures of some decisions, with bootstrap intervals of 95 %.

    The intervals of all bands together hold what they should in 95 % of cases (Šidák), or of five bands of a perfect
    model one would be off in every fourth report.

    Args:
        rows: decisions, with the columns named at the top of this module.
        bands: names by rising risk.
        resamples: for each interval; fewer where there are very many rows.
        seed: of the resamples.
    """
    matured = rows[rows["matured"]]
    labels: Labels = matured["defaulted"].to_numpy()
    scores: PDs = matured["pd"].to_numpy()
    metrics: dict[str, Estimate] = {}
    if 0 < labels.sum() < len(labels):
        fewer = min(resamples, max(LEAST_RESAMPLES, DRAWN_ROWS // len(labels)))
        found = bootstrap(labels, scores, resamples=fewer, seed=seed)
        metrics = {name: found[name] for name in METRICS}
    members = {ALL_BANDS: np.ones(len(matured), dtype=bool)}
    members |= {band: (matured["band"] == band).to_numpy() for band in bands}
    members = {band: mask for band, mask in members.items() if mask.any()}
    return Figures(
        decisions=len(rows),
        approval_rate=float(np.mean(~rows["declined"].to_numpy())),
        matured=len(matured),
        matured_approved=int(np.sum(~matured["declined"].to_numpy())),
        defaults=int(labels.sum()),
        metrics=metrics,
        promised=promised(scores) if len(scores) else {},
        calibration=[
            _band(band, labels[mask], scores[mask], CONFIDENCE ** (1 / len(members))) for band, mask in members.items()
        ],
    )


def _band(band: str, labels: Labels, scores: PDs, confidence: float) -> BandFigures:
    low, high = jeffreys(int(labels.sum()), len(labels), confidence)
    return BandFigures(
        band=band,
        matured=len(labels),
        defaults=int(labels.sum()),
        expected=float(scores.mean()),
        observed=float(labels.mean()),
        low=low,
        high=high,
    )


def by(
    column: str, rows: pd.DataFrame, measure: Callable[[pd.DataFrame], Figures], whole: Figures
) -> dict[str, Figures]:
    """Return the figures of each value of a column, in order; `whole` are those of all rows, measured already."""
    groups = rows.groupby(column, sort=True)
    return {str(name): whole if len(groups) == 1 else measure(part) for name, part in groups}


def judge_performance(
    model: str,
    last_month: str,
    found: Figures,
    tested: Mapping[str, float] | None,
    *,
    auc_tolerance: float,
    brier_tolerance: float,
    least_matured: int,
) -> Judgement:
    """Judge whether a model still does what its test rows said.

    It has decayed if the whole interval of its AUC lies more than the tolerance below the lower of test AUC and
    promised AUC; if that of its Brier score lies so above the higher of the two; or if the expected share of defaults,
    of all or of a band, lies outside the interval of the observed one by more than its calibration error on the test
    rows, since no model is perfect and with enough rows any difference shows.

    Args:
        model: tag.
        last_month: in which it last decided.
        found: its figures.
        tested: the metrics of its record, None if it is gone.
        auc_tolerance: of the AUC, 0 to 1.
        brier_tolerance: of the Brier score, 0 to 1.
        least_matured: outcomes below which nothing is said.
    """
    verdict: PerformanceStatus = "too few"
    flags: list[str] = []
    if found.matured >= least_matured:
        known = tested or {}
        if min(found.defaults, found.matured - found.defaults) >= LEAST_OF_EACH:
            lowest = min(filter(None, [known.get("auc"), found.promised["auc"]]))
            highest = max(filter(None, [known.get("brier"), found.promised["brier"]]))
            auc, brier = found.metrics["auc"], found.metrics["brier"]
            if auc["high"] < lowest - auc_tolerance:
                flags.append(f"AUC {format_estimate(auc)} lies more than {auc_tolerance:g} below {lowest:.4f}")
            if brier["low"] > highest + brier_tolerance:
                flags.append(
                    f"Brier score {format_estimate(brier)} lies more than {brier_tolerance:g} above {highest:.4f}"
                )
        tolerance = known.get("expected_calibration_error", 0.0)
        flags += [
            f"{'all bands' if band.band == ALL_BANDS else f'band {band.band}'}: {band.expected:.2%} expected to "
            f"default, {band.observed:.2%} ({band.low:.2%} to {band.high:.2%}) did"
            for band in found.calibration
            if band.off(tolerance)
        ]
        verdict = "decay" if flags else "ok"
    return Judgement(
        model=model,
        last_month=last_month,
        figures=found,
        tested=None if tested is None else dict(tested),
        verdict=verdict,
        flags=flags,
    )


def worst(judgements: Sequence[Judgement]) -> PerformanceStatus:
    """Return decay if any model has decayed, else ok if any could be judged."""
    verdicts = {item.verdict for item in judgements}
    return next((verdict for verdict in ("decay", "ok") if verdict in verdicts), "too few")
