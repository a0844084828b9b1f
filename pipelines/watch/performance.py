"""Stage performance: journaled decisions next to their outcomes, and whether a model has decayed."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import pandas as pd
from prometheus_client import CollectorRegistry, Gauge
from pydantic import BaseModel

from pipelines.params import Params, PerformanceLimits
from pipelines.watch.gauges import publish
from pipelines.workspace import Workspace
from scoring import models
from scoring.files import write_atomically
from scoring.graph import GraphIntegrityError
from scoring.journal.reader import JournalReader
from scoring.models import ModelStoreError
from scoring.moment import now_to_the_millisecond
from scoring.outcomes.store import Outcomes, OutcomeStatus
from scoring.scorecard import Scorecard
from training.errors import StageError
from training.monitoring.performance import (
    Cohort,
    Figures,
    Judgement,
    PerformanceStatus,
    by,
    figures,
    judge_performance,
    worst,
)
from training.monitoring.performance_page import page

Advance = Callable[[str, int], None]

_LABELS = ["scorecard", "model"]


class Performance(BaseModel):
    """How the decisions of one journal turned out."""

    scorecard: str
    made_at: str
    since: str | None
    until: str | None
    verdict: PerformanceStatus
    limits: PerformanceLimits
    overall: Figures
    models: list[Judgement]
    cohorts: list[Cohort]
    set_aside: dict[OutcomeStatus, int]
    """Outcomes that are not in force, by why."""


def read_decisions(journal: Path, since: str | None, until: str | None) -> pd.DataFrame:
    """Return the decisions of a journal with their outcomes, as `training.monitoring.performance` reads them.

    Raises:
        JournalError: journal or outcomes cannot be read.
        StageError: there are no decisions.
    """
    labels = Outcomes(journal).labels()
    rows = [
        (record.pd, record.declined, record.band, record.decided_at[:7], record.basis.model, record.decision_id)
        for record in JournalReader(journal).decisions(since=since, until=until)
    ]
    if not rows:
        raise StageError(f"the journal {journal} has no decisions of that time")
    decided = pd.DataFrame(rows, columns=["pd", "declined", "band", "month", "model", "decision_id"])
    found = decided.pop("decision_id").map(labels)
    return decided.assign(matured=found.notna(), defaulted=found.fillna(0).astype("int64"))


def performance(
    scorecard: Scorecard,
    workspace: Workspace,
    params: Params,
    journal: Path,
    *,
    since: str | None = None,
    until: str | None = None,
    pushgateway: str | None = None,
    advance: Advance = lambda what, done: None,
) -> Performance:
    """Write `performance.json`, `performance.html` and `performance.prom`, and return the first.

    Raises:
        JournalError: journal or outcomes cannot be read.
        StageError: there are no decisions, or the Pushgateway does not take the gauges.
    """
    knobs = params.scorecard(scorecard.name)
    limits = knobs.monitoring.performance
    store = Outcomes(journal)
    store.adopt()
    rows = read_decisions(journal, since, until)
    bands = [band.name for band in scorecard.bands]
    resamples = params.profile(workspace.profile).bootstrap_resamples

    def measure(part: pd.DataFrame, share: int = 1) -> Figures:
        return figures(part, bands, resamples=resamples // share, seed=knobs.seed)

    advance("all decisions", 0)
    overall = measure(rows)
    advance("models", 1)
    judged = [
        judge_performance(
            model, rows.loc[rows["model"] == model, "month"].max(), found, _tested(model), **limits.model_dump()
        )
        for model, found in by("model", rows, measure, overall).items()
    ]
    advance("months", 1)
    # Nobody judges by a month's intervals, and there are many months.
    of_month = partial(measure, share=5)
    cohorts = [Cohort(month=month, figures=found) for month, found in by("month", rows, of_month, overall).items()]
    advance("page", 1)
    asides: tuple[OutcomeStatus, ...] = ("conflicting", "unknown", "early")
    result = Performance(
        scorecard=scorecard.name,
        made_at=now_to_the_millisecond(),
        since=since,
        until=until,
        verdict=worst(judged),
        limits=limits,
        overall=overall,
        models=judged,
        cohorts=cohorts,
        set_aside={status: count for status, count in store.counts().items() if status in asides and count},
    )
    folder = workspace.monitoring
    html = page(result.model_dump() | {"scorecard": scorecard, "limits": limits}, overall, judged, cohorts)
    write_atomically(folder / "performance.json", result.model_dump_json(indent=2) + "\n")
    write_atomically(folder / "performance.html", html)
    publish(_gauges(result), folder / "performance.prom", f"scorebox_performance_{scorecard.name}", pushgateway)
    advance("page", 1)
    return result


STEPS = 4
"""Steps of which `performance` tells `advance`."""


def _tested(model: str) -> dict[str, float] | None:
    """Return the metrics of a model's record; None if the store no longer has it."""
    try:
        record, _ = models.read(model)
    except (ModelStoreError, GraphIntegrityError):
        return None
    return record.metrics


def _gauges(result: Performance) -> CollectorRegistry:
    """Return the gauges of each version of the model; one that has no figure yet is left out."""
    registry = CollectorRegistry()
    metrics = {
        "auc": Gauge("scorebox_realised_auc", "AUC of matured decisions.", _LABELS, registry=registry),
        "ks": Gauge("scorebox_realised_ks", "KS of matured decisions.", _LABELS, registry=registry),
        "gini": Gauge("scorebox_realised_gini", "Gini of matured decisions.", _LABELS, registry=registry),
        "brier": Gauge("scorebox_realised_brier", "Brier score of matured decisions.", _LABELS, registry=registry),
        "expected_calibration_error": Gauge(
            "scorebox_calibration_error", "Expected calibration error of matured decisions.", _LABELS, registry=registry
        ),
    }
    matured = Gauge("scorebox_matured_decisions", "Decisions whose outcome is known.", _LABELS, registry=registry)
    decay = Gauge("scorebox_performance_decay", "1 if the model has decayed.", _LABELS, registry=registry)
    for item in result.models:
        for name, estimate in item.figures.metrics.items():
            metrics[name].labels(result.scorecard, item.model).set(estimate["value"])
        matured.labels(result.scorecard, item.model).set(item.figures.matured)
        decay.labels(result.scorecard, item.model).set(item.verdict == "decay")
    return registry
