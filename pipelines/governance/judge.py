"""The gates of a promotion: candidate and champion on the candidate's test rows."""

from __future__ import annotations

import numpy as np
import pandas as pd
from pydantic import BaseModel

from pipelines.artifacts import SAMPLE
from pipelines.governance.push import file_sha256
from pipelines.governance.registry import Registered, Registry
from pipelines.params import PromotionLimits, ScorecardParams
from pipelines.stages.verify import Figures, figures, variant_checks
from pipelines.workspace import Workspace
from scoring import models
from scoring.decision import Variant
from scoring.models import StoredModel
from scoring.moment import now_to_the_second
from scoring.scorecard import Scorecard
from training.errors import DataError, StageError
from training.evaluation.checks import Check, at_least, at_most, failed
from training.evaluation.metrics import PDs
from training.families.family import Labels
from training.graph.inputs import graph_inputs
from training.tables.files import read_parquet


class Contender(BaseModel):
    """One side of the comparison: a version, and its figures on the candidate's test rows."""

    version: int
    model: str
    data: str
    figures: Figures


class Promotion(BaseModel):
    """The verdict on one candidate: `reports/promotion.json`."""

    scorecard: str
    candidate: Contender
    champion: Contender | None
    """None when the scorecard has none yet."""
    rows: int
    rows_sha256: str
    comparison: str
    """How fair the comparison is: whether the champion was trained on some of the rows."""
    gates: dict[str, Check]
    promoted: bool
    decided_at: str


def judge(
    registry: Registry,
    scorecard: Scorecard,
    workspace: Workspace,
    params: ScorecardParams,
    candidate: Registered,
    champion: Registered | None,
) -> Promotion:
    """Candidate and champion on the candidate's test rows, gate by gate.

    Raises:
        StageError: the test rows at hand are not those that the candidate was pushed with.
        DataError: a graph reads columns that they do not have.
    """
    test, digest = held_out(workspace, candidate)
    labels: Labels = test[scorecard.target].to_numpy()
    limits = params.promotion
    loaded = _load(registry, candidate)
    serving = loaded[candidate.release.serving]
    scores = {variant: _scores(stored, test) for variant, stored in loaded.items()}
    cutoff = serving.record.cutoff
    new = figures(scorecard, test, labels, scores[candidate.release.serving], cutoff)
    gates = {
        "verification": at_most(
            f"checks of scorebox verify: {candidate.tags['verification']}",
            0 if candidate.tags["verification"] == "holds" else 1,
            0,
        ),
        **variant_checks(scores, cutoff, serving.graph, test, limits),
    }
    before = None
    if champion:
        stored = _load(registry, champion)[champion.release.serving]
        old = figures(scorecard, test, labels, _scores(stored, test), stored.record.cutoff)
        before = _contender(champion, old)
        gates["data"] = at_most(
            f"a champion of {champion.tags['data']}, a candidate of {candidate.tags['data']}; sample data never win",
            float(serving.record.data.sample and not stored.record.data.sample),
            0,
        )
        if not _is_no_standard(candidate, champion):
            gates |= _relative_gates(new, old, limits)
    return Promotion(
        scorecard=scorecard.name,
        candidate=_contender(candidate, new),
        champion=before,
        rows=len(test),
        rows_sha256=digest,
        comparison=_comparison(candidate, champion),
        gates=gates,
        promoted=not failed(gates),
        decided_at=now_to_the_second(),
    )


def held_out(workspace: Workspace, registered: Registered) -> tuple[pd.DataFrame, str]:
    """The test rows of a version, and the sha256 of their file.

    Raises:
        StageError: the test rows at hand are not those that the version was pushed with.
    """
    digest = file_sha256(workspace.test)
    if digest != registered.tags["test_rows_sha256"]:
        raise StageError(
            f"{workspace.test} does not hold the test rows of version {registered.number}; "
            f"run the stages that made it (profile {registered.tags['profile']}) again"
        )
    rows, _ = read_parquet(workspace.test)
    return rows, digest


def _relative_gates(new: Figures, old: Figures, limits: PromotionLimits) -> dict[str, Check]:
    """The candidate's figures against the champion's, on the same rows."""
    return {
        "auc": at_least(
            f"AUC, at the lowest {limits.auc_tolerance:.1%} below the champion's",
            new.auc,
            old.auc * (1 - limits.auc_tolerance),
        ),
        "brier": at_most("Brier score", new.brier, old.brier + limits.brier_tolerance),
        "expected_calibration_error": at_most(
            "expected calibration error",
            new.expected_calibration_error,
            old.expected_calibration_error + limits.calibration_error_tolerance,
        ),
        **{
            f"approval_gap_{column}": at_most(
                f"approval-rate gap by {column}", gap, old.approval_gaps[column] + limits.approval_gap_tolerance
            )
            for column, gap in new.approval_gaps.items()
        },
    }


def _is_no_standard(candidate: Registered, champion: Registered) -> bool:
    return champion.tags["data"] == SAMPLE and candidate.tags["data"] != SAMPLE


def _comparison(candidate: Registered, champion: Registered | None) -> str:
    if champion is None:
        return "no champion to compare with"
    if _is_no_standard(candidate, champion):
        return "the champion is of SAMPLE DATA, no standard for a model of real data: only the absolute gates count"
    if champion.tags["test_rows_sha256"] == candidate.tags["test_rows_sha256"]:
        return "none of these rows were in the champion's training data: both have the same split"
    if champion.tags["data_sha256"] == candidate.tags["data_sha256"]:
        return "some of these rows were in the champion's training data, which flatters it: same data, another split"
    return (
        f"the champion was trained on other data ({champion.tags['data_sha256'][:12]}), "
        "which may hold some of these rows and would flatter it"
    )


def _contender(registered: Registered, measured: Figures) -> Contender:
    release = registered.release
    return Contender(
        version=registered.number,
        model=release.tags[release.serving],
        data=registered.tags["data"],
        figures=measured,
    )


def _load(registry: Registry, registered: Registered) -> dict[Variant, StoredModel]:
    registry.restore(registered)
    return {variant: models.load(tag) for variant, tag in registered.release.tags.items()}


def _scores(stored: StoredModel, rows: pd.DataFrame) -> PDs:
    missing = [column for column in stored.graph.columns if column not in rows]
    if missing:
        raise DataError(f"{stored.record.tag} reads columns that the test rows do not have: {', '.join(missing)}")
    return np.asarray(stored.graph.score(graph_inputs(rows, stored.graph.columns, stored.graph.text_columns)))
