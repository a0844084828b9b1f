"""Stage report: how good the served graph is on the test rows, with intervals, plots and fairness."""

from __future__ import annotations

import json
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pipelines.artifacts import Report, read_benchmark, read_contents
from pipelines.params import Params
from pipelines.stages.train import load_competition, load_trained
from pipelines.workspace import Workspace
from scoring.decision_rules import declined
from scoring.files import write_atomically
from scoring.graph import Graph, sha256
from scoring.reasons import Explainer
from scoring.scorecard import Scorecard
from training import tracking
from training.candidate import Advance, fit_candidate
from training.competition_params import Candidate
from training.evaluation.fairness import Comparison, compare_groups
from training.evaluation.metrics import bootstrap, point_metrics, reliability
from training.evaluation.plots import draw_all
from training.evaluation.reason_figures import reason_figures
from training.evaluation.report import markdown
from training.graph.inputs import graph_inputs
from training.revision import git_revision
from training.sources import REAL, SAMPLE
from training.tables.files import data_record, read_parquet

LIBRARIES = ("lightgbm", "numpy", "onnx", "onnxruntime", "scikit-learn", "torch")
PUBLISHED = "published"
"""The feature set that the report compares with and without the protected columns."""


def report(
    scorecard: Scorecard, workspace: Workspace, params: Params, advance: Advance = lambda what, steps: None
) -> Report:
    """Write metrics, plots, the report as JSON and Markdown, and an MLflow run of it all."""
    trained = load_trained(workspace)
    competition = load_competition(workspace)
    contents = read_contents(workspace)
    variants = {variant: content.graph for variant, content in contents.items()}
    benchmark = read_benchmark(workspace)
    train_frame, metadata = read_parquet(workspace.train)
    test, _ = read_parquet(workspace.test)
    labels: NDArray[np.int64] = test[scorecard.target].to_numpy()
    inputs = graph_inputs(test, trained.specification.columns, scorecard.text_columns)
    scores = {variant: Graph(content).score(inputs) for variant, content in variants.items()}
    pd_values = scores[benchmark.serving]
    knobs = params.scorecard(scorecard.name)
    served = contents[benchmark.serving]
    reasons = reason_figures(scorecard, Graph(served.graph), Explainer(served.explain), inputs, scorecard.cutoff)

    metrics = bootstrap(
        labels,
        pd_values,
        resamples=params.profile(workspace.profile).bootstrap_resamples,
        seed=knobs.seed,
    )
    advance("intervals", 1)
    comparisons = _compare_protected(scorecard, workspace, params, train_frame, test, labels, advance)
    data = data_record(train_frame, metadata, scorecard.target)
    title = f"{scorecard.name} ({SAMPLE if data.sample else 'test rows'})"
    plots = draw_all(workspace.report / "plots", title, labels, pd_values, scorecard.cutoff, reasons)
    write_atomically(
        workspace.report / "metrics.json",
        json.dumps({name: round(item["value"], 6) for name, item in metrics.items()}, indent=2) + "\n",
    )
    parameters = {
        "candidate": trained.specification.candidate,
        "features": trained.specification.features,
        "protected_fields": trained.specification.protected_fields,
        "imbalance": trained.specification.imbalance,
        **trained.specification.parameters,
    }
    tags = {
        "scorecard": scorecard.name,
        "git_revision": git_revision(),
        "data_sha256": data.sha256,
        "graph_sha256": sha256(variants["fp32"]),
        "data": SAMPLE if data.sample else REAL,
    }
    with tracking.run(scorecard.name, workspace.profile, tags) as run_id:
        result = Report(
            scorecard=scorecard.name,
            candidate=trained.specification.candidate,
            family=trained.specification.family,
            serving=benchmark.serving,
            data=data,
            test_rows=len(test),
            cutoff=scorecard.cutoff,
            approval_rate=float(np.mean(~declined(pd_values, scorecard.cutoff))),
            metrics=metrics,
            variant_metrics={variant: point_metrics(labels, pd) for variant, pd in scores.items()},
            reliability=reliability(labels, pd_values),
            reasons=reasons,
            protected_comparison=comparisons,
            graph_sha256={variant: sha256(content) for variant, content in variants.items()},
            columns=trained.specification.columns,
            libraries={library: version(library) for library in LIBRARIES},
            git_revision=tags["git_revision"],
            mlflow_run_id=run_id,
        )
        write_atomically(workspace.report_record, result.model_dump_json(indent=2) + "\n")
        write_atomically(
            workspace.report / "report.md",
            markdown(
                title, competition.candidates, competition.winner, metrics, result.reliability, reasons, comparisons
            ),
        )
        tracking.log(
            parameters,
            {
                **{f"test_{name}": item["value"] for name, item in metrics.items()},
                **{f"folds_auc_{item.name}": item.auc for item in competition.candidates},
            },
            _logged_files(workspace, plots),
        )
    return result


def _logged_files(workspace: Workspace, plots: Sequence[Path]) -> list[Path]:
    files = [
        workspace.report_record,
        workspace.report / "report.md",
        workspace.candidates,
        workspace.benchmark,
        workspace.fp32,
        *plots,
    ]
    return [*files, workspace.int8] if workspace.int8.exists() else files


def _compare_protected(
    scorecard: Scorecard,
    workspace: Workspace,
    params: Params,
    train_frame: pd.DataFrame,
    test: pd.DataFrame,
    labels: NDArray[np.int64],
    advance: Advance,
) -> list[Comparison]:
    """Compare the winner and the candidate on the published features, each with and without protected columns."""
    knobs = params.scorecard(scorecard.name)
    competition = load_competition(workspace)
    compared = [
        result for result in competition.candidates if result.name == competition.winner or result.features == PUBLISHED
    ]
    comparisons = []
    for result in compared:
        for protected_fields in (False, True):
            trained, again = fit_candidate(
                scorecard,
                result.name,
                Candidate(
                    family=result.family,
                    features=result.features,
                    parameters=result.parameters,
                    imbalance=result.imbalance,
                ),
                train_frame,
                fold_count=knobs.folds,
                seed=knobs.seed,
                protected_fields=protected_fields,
                search_iterations=0,
                advance=advance,
            )
            inputs = graph_inputs(test, trained.specification.columns, scorecard.text_columns)
            scores = Graph(trained.graph(scorecard)).score(inputs)
            comparisons.append(
                compare_groups(result.name, protected_fields, again.inputs, scorecard, test, labels, scores)
            )
    return comparisons


def comparison_fits(workspace: Workspace, params: Params) -> int:
    """Return how many fits and steps `report` makes: for a progress bar."""
    competition = load_competition(workspace)
    compared = sum(
        result.name == competition.winner or result.features == PUBLISHED for result in competition.candidates
    )
    return 1 + 2 * compared * (params.scorecard(workspace.scorecard).folds + 1)
