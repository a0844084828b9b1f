"""Stage drift: compares applications, and the scores they get, with the training rows."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
from prometheus_client import CollectorRegistry, Gauge

from pipelines.params import ScorecardParams
from pipelines.watch import evidently_report
from pipelines.watch.current_rows import MOST_ROWS, Current, from_file, from_journal, utc
from pipelines.watch.gauges import publish
from pipelines.workspace import Workspace
from scoring import models
from scoring.files import remove_file, write_atomically
from scoring.graph import GraphIntegrityError
from scoring.models import ModelStoreError, StoredModel
from scoring.moment import now_to_the_second
from scoring.scorecard import Scorecard
from scoring.tables.places import one_line
from training.evaluation.metrics import PDs
from training.graph.inputs import graph_inputs
from training.monitoring import drift_page
from training.monitoring.drift import drifted_share
from training.monitoring.drift_report import (
    DriftLimits,
    DriftReport,
    Reference,
    RowCounts,
    ScoreDrift,
    compare_features,
    compare_score,
    judge_drift,
)
from training.parquet import SAMPLE_KEY, SNAPSHOT_KEY, read_parquet


def drift(
    scorecard: Scorecard,
    workspace: Workspace,
    params: ScorecardParams,
    source: str | Path,
    *,
    since: str | None = None,
    until: str | None = None,
    pushgateway: str | None = None,
    tell: Callable[[str], None] = lambda line: None,
) -> DriftReport:
    """Write status, page, Evidently's report and gauges to the folder `monitoring`.

    Args:
        scorecard: the product.
        workspace: whose training rows are the reference.
        params: limits, and the seed of the samples.
        source: the journal's folder as a path, or the address of a file.
        since: of a journal, the earliest decision; ISO 8601.
        until: of a journal, the time before which decisions were made.
        pushgateway: where gauges are sent, if anywhere.
        tell: told of the way in which a file is read.

    Raises:
        StageError: the file or a time is wrong, or the gateway does not answer.
        DataError: there are no training rows, or the file cannot be read.
        JournalError: there is no journal, or it cannot be read.
        ModelStoreError: no model serves.
    """
    frame, metadata = read_parquet(workspace.train)
    release = models.Release.read(workspace.release)
    champion = models.load(release.tags[release.serving])
    features = list(champion.graph.columns)
    protected = [column for column in scorecard.columns if column in scorecard.protected]
    columns = list(dict.fromkeys([*features, *protected]))
    if isinstance(source, Path):
        current = from_journal(scorecard, columns, source, utc(since), utc(until), params.seed)
    else:
        current = from_file(scorecard, columns, source, params.seed)
    for note in current.notes:
        tell(f"{current.source}: {note}")
    reference = Reference(
        rows=len(frame),
        compared=min(len(frame), MOST_ROWS),
        data_sha256=metadata[SNAPSHOT_KEY].decode(),
        sample=metadata[SAMPLE_KEY] == b"true",
    )
    limits = params.monitoring.drift
    before = frame.sample(reference.compared, random_state=params.seed).sort_index()
    # The service reads the history by key, so a file of applications does not have it.
    not_compared = [column for column in current.absent if column in scorecard.history]
    compared = [column for column in columns if column not in not_compared] if len(current.frame) else []
    drifts = compare_features(scorecard, compared, before, current.frame, limits)
    scores = _scores(current, before, champion, reference, limits)
    watched = [item for item in drifts if item.column not in scorecard.protected]
    counting = [score.drift for score in scores if score.drift is not None and score.counts]
    verdict, because = judge_drift(len(current.frame), watched, scores, limits)
    status = DriftReport(
        scorecard=scorecard.name,
        profile=workspace.profile,
        verdict=verdict,
        due=verdict == "retraining due",
        because=because,
        model=champion.record.tag,
        limits=limits,
        share=drifted_share(watched),
        score_psi=max((item.psi for item in counting), default=None),
        rows=RowCounts(
            source=current.source,
            found=current.found,
            compared=len(current.frame),
            erased=current.erased,
            since=current.since,
            until=current.until,
        ),
        reference=reference,
        scores=scores,
        features=sorted(watched, key=lambda item: -item.psi),
        protected=sorted((item for item in drifts if item not in watched), key=lambda item: -item.psi),
        not_compared=not_compared,
        checked_at=now_to_the_second(),
    )
    _write(workspace.monitoring, status, before, current.frame, params.seed)
    publish(_gauges(status), workspace.monitoring / "drift.prom", f"scorebox_drift_{scorecard.name}", pushgateway)
    return status


def _scores(
    current: Current, reference: pd.DataFrame, champion: StoredModel, data: Reference, limits: DriftLimits
) -> list[ScoreDrift]:
    """Return the drift of the score of each model that decided; for a file, of the champion's."""
    if not len(current.frame):
        return []
    tag = champion.record.tag
    if current.bases:
        tags = np.array([basis.model for basis in current.bases])[current.basis]
        hashes = {basis.model: basis.graph_sha256 for basis in current.bases}
        # Of a model that decided little, no row may have been drawn.
        drawn = np.unique(tags).tolist()
        return [_score(name, hashes[name], current.pd[tags == name], reference, data, limits) for name in drawn]
    if lacking := [column for column in champion.graph.columns if column in current.absent]:
        more = f" and {len(lacking) - 1} more" if lacking[1:] else ""
        note = f"no score: the file does not have {lacking[0]}{more}, which the graph reads"
        return [ScoreDrift(model=tag, rows=len(current.frame), drift=None, note=note, counts=False)]
    pd_values = champion.graph.score(graph_inputs(current.frame, champion.graph.columns, champion.graph.text_columns))
    return [_score(tag, champion.record.graph_sha256, pd_values, reference, data, limits)]


def _score(
    tag: str, graph_sha256: str, pd_values: PDs, reference: pd.DataFrame, data: Reference, limits: DriftLimits
) -> ScoreDrift:
    try:
        model = models.load(tag)
        if model.graph.sha256 != graph_sha256:
            raise GraphIntegrityError(f"{tag} in the store is not the graph that decided")
    except (ModelStoreError, GraphIntegrityError) as error:
        return ScoreDrift(
            model=tag, rows=len(pd_values), drift=None, note=f"not compared: {one_line(error)}", counts=False
        )
    trained = model.graph.score(graph_inputs(reference, model.graph.columns, model.graph.text_columns))
    is_of_other_data = model.record.data.sha256 != data.data_sha256
    return compare_score(tag, pd_values, trained, limits, is_of_other_data=is_of_other_data)


def _write(folder: Path, status: DriftReport, reference: pd.DataFrame, current: pd.DataFrame, seed: int) -> None:
    report = folder / "drift_report.html"
    # One of an earlier run must not pass for this one's.
    remove_file(report)
    write_atomically(folder / "drift_status.json", status.model_dump_json(indent=2) + "\n")
    if status.rows.compared:
        shown = {item.column: item.kind for item in status.features[: evidently_report.MOST_COLUMNS]}
        content = evidently_report.html(
            reference, current, shown, share=status.limits.share, psi=status.limits.psi, seed=seed
        )
        write_atomically(report, content)
    page = drift_page.render(status.model_dump(), report.name if status.rows.compared else None)
    write_atomically(folder / "drift.html", page)


def _gauges(status: DriftReport) -> CollectorRegistry:
    registry = CollectorRegistry()
    of = {"scorecard": status.scorecard}
    share = Gauge("scorebox_drift_share", "Share of the features that have drifted.", of, registry=registry)
    due = Gauge("scorebox_drift_due", "1 if retraining is due.", of, registry=registry)
    rows = Gauge("scorebox_drift_rows", "Applications compared.", of, registry=registry)
    share.labels(**of).set(status.share)
    due.labels(**of).set(status.due)
    rows.labels(**of).set(status.rows.compared)
    if status.score_psi is not None:
        score = Gauge("scorebox_score_psi", "PSI of the PDs, the largest of the models.", of, registry=registry)
        score.labels(**of).set(status.score_psi)
    psi = Gauge("scorebox_feature_psi", "PSI of a feature.", [*of, "feature"], registry=registry)
    for column in status.features:
        psi.labels(**of, feature=column.column).set(column.psi)
    return registry
