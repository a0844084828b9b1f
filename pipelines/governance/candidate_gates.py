"""Scores of candidate and champion on the candidate's test rows, and the verdict on the candidate."""

from __future__ import annotations

import numpy as np
import pandas as pd
from pydantic import BaseModel

from pipelines.artifacts import file_sha256
from pipelines.governance.registry import Registry
from pipelines.governance.versions import Registered
from pipelines.params import Params
from pipelines.workspace import Workspace
from scoring import models
from scoring.decision import Variant
from scoring.expected import DataError
from scoring.models import StoredModel
from scoring.moment import now_to_the_second
from scoring.scorecard import Scorecard
from training.errors import StageError
from training.evaluation.checks import Check, at_most, failed
from training.evaluation.metrics import PDs
from training.evaluation.promotion import Provenance, describe_comparison, promotion_gates
from training.evaluation.verification import Figures, figures, flipped_check, time_checks
from training.families.family import Labels
from training.graph.inputs import graph_inputs
from training.parquet import read_parquet
from training.revision import UNKNOWN
from training.sources import SAMPLE


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


def judge_candidate(
    registry: Registry,
    scorecard: Scorecard,
    workspace: Workspace,
    params: Params,
    candidate: Registered,
    champion: Registered | None,
) -> Promotion:
    """Score candidate and champion on the candidate's test rows, and judge the candidate gate by gate.

    Raises:
        StageError: the test rows at hand are not those that the candidate was pushed with, or its tags do not tell.
        DataError: a graph reads columns that they do not have.
    """
    verification = candidate.require("verification")
    limits = params.scorecard(scorecard.name).promotion
    test, digest = held_out(workspace, candidate)
    labels: Labels = test[scorecard.target].to_numpy()
    loaded = _load(registry, candidate)
    serving = loaded[candidate.release.serving]
    scores = {variant: _scores(stored, test) for variant, stored in loaded.items()}
    cutoff = serving.record.cutoff
    new = figures(scorecard, test, labels, scores[candidate.release.serving], cutoff)
    old = None
    if champion:
        stored = _load(registry, champion)[champion.release.serving]
        old = figures(scorecard, test, labels, _scores(stored, test), stored.record.cutoff)
    made_from = _provenance(candidate), _provenance(champion) if champion else None
    inputs = graph_inputs(test, serving.graph.columns, serving.graph.text_columns)
    gates = promotion_gates(
        verification,
        {
            "flipped_share": flipped_check(scores[candidate.release.serving], scores["fp32"], cutoff, limits),
            **time_checks(serving.graph, inputs, limits),
        },
        new,
        made_from[0],
        old,
        made_from[1],
        limits,
    )
    if (profile := params.profiles.get(candidate.tags.profile or "")) and profile.known_revision:
        unknown = candidate.tags.git_revision in (None, UNKNOWN)
        what = "whether git could not tell what the model was made from: commit the project, and train again"
        gates["git_revision"] = at_most(what, float(unknown), 0)
    return Promotion(
        scorecard=scorecard.name,
        candidate=_contender(candidate, new),
        champion=_contender(champion, old) if champion and old else None,
        rows=len(test),
        rows_sha256=digest,
        comparison=describe_comparison(*made_from),
        gates=gates,
        promoted=not failed(gates),
        decided_at=now_to_the_second(),
    )


def _provenance(registered: Registered) -> Provenance:
    tags = registered.tags
    return Provenance(tags.data == SAMPLE, tags.data_sha256, registered.require("test_rows_sha256"))


def held_out(workspace: Workspace, registered: Registered) -> tuple[pd.DataFrame, str]:
    """Return the test rows of a version, and the sha256 of their file.

    Raises:
        StageError: the test rows at hand are not those that the version was pushed with.
    """
    digest = file_sha256(workspace.test)
    if digest != registered.require("test_rows_sha256"):
        raise StageError(
            f"{workspace.test} does not hold the test rows of version {registered.number}; "
            f"run the stages that made it (profile {registered.tags.profile or 'unknown'}) again"
        )
    rows, _ = read_parquet(workspace.test)
    return rows, digest


def _contender(registered: Registered, measured: Figures) -> Contender:
    release = registered.release
    return Contender(
        version=registered.number,
        model=release.tags[release.serving],
        data=registered.tags.data,
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
