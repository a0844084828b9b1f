"""home_credit on a thousand sample applications: the stages as `scorebox build` runs them, with one small candidate."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from pipelines.params import ScorecardParams, read_params
from pipelines.stages.ingest import ingest
from pipelines.stages.prepare import features
from pipelines.watch.history import fill
from pipelines.workspace import Workspace
from scoring import models
from scoring.application import Application
from scoring.graph import Graph, sha256
from scoring.models import Content, ModelRecord, Release
from scoring.scorecards import load
from tests.conftest import PROJECT
from tests.here import store_at
from training.candidate import Trained, candidate_blocks, fit_candidate, prepare_candidate
from training.competition_params import Candidate
from training.graph.explain import with_explain_graph
from training.graph.frontend import feature_matrix
from training.graph.inputs import graph_inputs
from training.parquet import data_record, read_parquet
from training.workers import workers

CARD = load("home_credit")
APPLICATIONS = 1_000
UNKNOWN = 99_999
"""A client whom nobody knows."""
SMALL = Candidate(family="boosting", features="engineered", parameters={"n_estimators": 40, "num_leaves": 6})


@dataclass(frozen=True)
class Built:
    """Rows, model and history that the stages left."""

    frame: pd.DataFrame
    trained: Trained
    content: Content
    record: ModelRecord
    history: Path

    @property
    def graph(self) -> Graph:
        return Graph(self.content.graph)


def knobs() -> ScorecardParams:
    """Those of params.yaml, with two folds."""
    return read_params(PROJECT / "params.yaml").scorecard(CARD.name).model_copy(update={"folds": 2})


def build(folder: Path) -> Built:
    """From sample data to a graph and a history."""
    workspace = Workspace(CARD.name, "full", folder / "artifacts")
    ingest(CARD, workspace, None, APPLICATIONS, lambda what, done, total: None)
    features(CARD, workspace, knobs())
    frame, metadata = read_parquet(workspace.applications)
    prepared = prepare_candidate(
        CARD, "small", SMALL, frame, fold_count=2, seed=knobs().seed, protected_fields=False, rare_level_rows=0
    )
    with workers() as in_processes:
        fitted = fit_candidate(prepared, in_processes, search_iterations=0, advance=lambda name, fits: None)
    trained = fitted.trained
    columns = trained.specification.columns
    inputs = graph_inputs(frame, columns, CARD.text_columns)
    blocks = candidate_blocks(CARD, SMALL.features, False)
    content = with_explain_graph(CARD, trained.graph(CARD), inputs, feature_matrix(blocks, columns, inputs))
    history = folder / "history.sqlite"
    fill(CARD, workspace, str(history))
    record = ModelRecord(
        scorecard=CARD.name,
        version="1",
        variant="fp32",
        family="boosting",
        graph_sha256=sha256(content.graph),
        explain_sha256=sha256(content.explain),
        columns=columns,
        cutoff=CARD.cutoff,
        data=data_record(frame, metadata, CARD.target),
        metrics={"auc": fitted.figures["auc"]},
        git_revision="unknown",
        mlflow_run_id="none",
        libraries={},
    )
    return Built(frame, trained, content, record, history)


def bodies(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """The rows as clients would send them: application fields only, null where missing."""
    fields = frame[list(CARD.columns)].astype(object)
    return [
        {str(column): None if pd.isna(value) else value for column, value in row.items()}
        for row in fields.to_dict("records")
    ]


def applications(frame: pd.DataFrame) -> list[Application]:
    return [CARD.application.model_validate(body) for body in bodies(frame)]


def publish(home: Path) -> None:
    """Leave it as a server finds it: in the store at `home`, with `release.json` and `history.sqlite` there."""
    built = build(home)
    with store_at(home):
        models.push(built.record, built.content)
    release = Release(scorecard=CARD.name, version="1", serving="fp32", tags={"fp32": built.record.tag})
    release.write(home / "release.json")
    built.frame.head(50).to_parquet(home / "clients.parquet", index=False)
