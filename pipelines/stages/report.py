"""Stage report: how good the served graph is on the test rows, with intervals, plots and fairness."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pipelines.artifacts import Report, file_sha256, read_benchmark, read_contents
from pipelines.params import Params
from pipelines.stages.train import load_competition, load_trained
from pipelines.workspace import Workspace
from scoring.decision_rules import declined
from scoring.files import write_atomically
from scoring.graph import Graph, sha256
from scoring.reasons import Explainer
from scoring.scorecard import Scorecard
from training import tracking
from training.candidate import Advance, Trained, fit_candidate, prepare_candidate
from training.evaluation.fairness import Comparison, compare_groups
from training.evaluation.metrics import bootstrap, point_metrics, reliability
from training.evaluation.plots import draw_all
from training.evaluation.reason_figures import reason_figures
from training.evaluation.report import markdown
from training.families.family import Labels
from training.families.registry import FAMILIES
from training.graph.inputs import graph_inputs
from training.parquet import data_record, read_parquet
from training.revision import git_revision
from training.selection import CandidateResult
from training.workers import workers

LIBRARIES = ("numpy", "onnx", "onnxruntime", "scikit-learn")
"""Distributions that make every model; its family names the others."""
PUBLISHED = "published"
"""The feature set that the report compares with and without the protected columns."""


def report(
    scorecard: Scorecard,
    workspace: Workspace,
    params: Params,
    advance: Advance = lambda name, steps: None,
    tell: Callable[[str], None] = lambda line: None,
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
    comparisons = _compare_protected(scorecard, workspace, params, trained, train_frame, test, advance, tell)
    data = data_record(train_frame, metadata, scorecard.target)
    title = f"{scorecard.name} ({data.label})"
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
        "data": data.label,
    }
    with tracking.run(scorecard.name, workspace.profile, tags, tags["git_revision"]) as run_id:
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
            libraries=_libraries(trained.specification.family),
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
        for frame, path, use in ((train_frame, workspace.train, "training"), (test, workspace.test, "testing")):
            tracking.log_rows(frame, path, use, scorecard.target, file_sha256(path))
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
    winner: Trained,
    train_frame: pd.DataFrame,
    test: pd.DataFrame,
    advance: Advance,
    tell: Callable[[str], None],
) -> list[Comparison]:
    """Compare the winner and the candidates on the published features, each with and without protected columns."""
    knobs = params.scorecard(scorecard.name)
    labels: Labels = test[scorecard.target].to_numpy()

    def fit(refit: tuple[CandidateResult, bool]) -> Trained:
        result, protected_fields = refit
        prepared = prepare_candidate(
            scorecard,
            result.name,
            result.settled,
            train_frame,
            fold_count=knobs.folds,
            seed=knobs.seed,
            protected_fields=protected_fields,
            rare_level_rows=knobs.rare_level_rows,
            calibration=knobs.calibration,
        )
        return fit_candidate(prepared, side_by_side, search_iterations=0, advance=advance).trained

    refits = _refits(workspace, winner)
    trained = {(winner.specification.candidate, winner.specification.protected_fields): winner}
    with workers() as side_by_side:
        for done in side_by_side.for_each(fit, refits):
            name, protected_fields = done.specification.candidate, done.specification.protected_fields
            trained[name, protected_fields] = done
            tell(f"{name:<18} fitted again, protected columns {'in' if protected_fields else 'out'}")
    comparisons = []
    for name, protected_fields in sorted(trained, key=list(_compared(workspace)).index):
        one = trained[name, protected_fields]
        inputs = graph_inputs(test, one.specification.columns, scorecard.text_columns)
        scores = Graph(one.graph(scorecard)).score(inputs)
        width = len(one.specification.feature_names)
        comparisons.append(compare_groups(name, protected_fields, width, scorecard, test, labels, scores))
    return comparisons


def _libraries(family: str) -> dict[str, str]:
    """Return the versions of the distributions that a model of this family is made by."""
    return {library: version(library) for library in sorted({*LIBRARIES, *FAMILIES[family].libraries})}


def _compared(workspace: Workspace) -> dict[tuple[str, bool], CandidateResult]:
    """Return whom the report compares, by name and whether protected columns are in."""
    competition = load_competition(workspace)
    return {
        (result.name, protected_fields): result
        for result in competition.candidates
        if result.name == competition.winner or result.features == PUBLISHED
        for protected_fields in (False, True)
    }


def _refits(workspace: Workspace, winner: Trained) -> list[tuple[CandidateResult, bool]]:
    """Return those of them that must be fitted again; the winner has been."""
    fitted = (winner.specification.candidate, winner.specification.protected_fields)
    return [(result, key[1]) for key, result in _compared(workspace).items() if key != fitted]


def comparison_fits(workspace: Workspace, params: Params) -> int:
    """Return how many fits and steps `report` makes: for a progress bar."""
    refits = _refits(workspace, load_trained(workspace))
    return 1 + len(refits) * (params.scorecard(workspace.scorecard).folds + 1)
