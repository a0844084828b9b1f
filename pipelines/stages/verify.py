"""Stage verify: absolute checks of the trained model on the test rows, before it may be pushed."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping

import numpy as np
import pandas as pd
from pydantic import BaseModel

from pipelines.params import Params, PromotionLimits
from pipelines.stages.graphs import read_contents
from pipelines.stages.report import read_benchmark, same_graphs
from pipelines.stages.train import load_trained
from pipelines.workspace import Workspace
from scoring.decision import Variant
from scoring.decision_rules import declined
from scoring.files import write_atomically
from scoring.frames import thin_frame
from scoring.graph import Graph
from scoring.reasons import Explainer
from scoring.scorecard import Scorecard
from training.candidate import Trained, candidate_blocks
from training.errors import StageError
from training.evaluation.checks import Check, approval_gaps, at_least, at_most, failed, impact_ratios
from training.evaluation.extremes import extreme_applications
from training.evaluation.fairness import GroupRate, compare_groups
from training.evaluation.intervals import Estimate
from training.evaluation.metrics import PDs, bootstrap, calibration_error
from training.evaluation.reason_figures import ReasonFigures, reason_figures
from training.evaluation.timing import standard_microseconds
from training.families.family import Labels
from training.graph.frontend import feature_matrix
from training.graph.inputs import graph_inputs
from training.tables.files import read_parquet

ALONE_ROWS = 256
"""Test rows that are scored one by one."""
BATCH_SIZES = (2, 7, 64, ALONE_ROWS)
LATENCY_ROWS = (1, 256)
ADDITIVITY = 1e-5
"""Log-odds."""


class Figures(BaseModel):
    """How good and how even-handed one graph is on some rows."""

    auc: float
    brier: float
    expected_calibration_error: float
    approval_rate: float
    groups: list[GroupRate]
    """By protected column and group, those of at least `training.evaluation.fairness.SMALLEST_GROUP` rows."""
    approval_gaps: dict[str, float]
    impact_ratios: dict[str, float]
    """For information: no check looks at them."""


class Verification(BaseModel):
    """The verdict on one trained model."""

    scorecard: str
    serving: Variant
    graph_sha256: dict[Variant, str]
    rows: int
    holds: bool
    checks: dict[str, Check]
    auc: Estimate
    figures: Figures
    reasons: ReasonFigures
    """Of the variant that serves."""


def verify(scorecard: Scorecard, workspace: Workspace, params: Params) -> Verification:
    """Writes `verification.json`, `metrics.json` and `approval_rates.json`, whether every check holds or not."""
    trained = load_trained(workspace)
    stored = read_contents(workspace)
    contents = {variant: content.graph for variant, content in stored.items()}
    benchmark = read_benchmark(workspace)
    same_graphs(workspace, "benchmark", {item.variant: item.sha256 for item in benchmark.variants}, contents)
    test, _ = read_parquet(workspace.test)
    labels: Labels = test[scorecard.target].to_numpy()
    knobs = params.scorecard(scorecard.name)
    graphs = {variant: Graph(content) for variant, content in contents.items()}
    inputs = {variant: graph_inputs(test, graph.columns, graph.text_columns) for variant, graph in graphs.items()}
    scores = {variant: graph.score(inputs[variant]) for variant, graph in graphs.items()}
    explainers = {variant: Explainer(content.explain) for variant, content in stored.items()}
    reasons = {
        variant: reason_figures(scorecard, graphs[variant], explainer, inputs[variant], scorecard.cutoff)
        for variant, explainer in explainers.items()
    }
    serving = benchmark.serving
    measured = figures(scorecard, test, labels, scores[serving])
    auc = bootstrap(
        labels, scores[serving], resamples=params.profile(workspace.profile).bootstrap_resamples, seed=knobs.seed
    )["auc"]
    limits = knobs.promotion
    checks = {
        "parity": at_most(
            "largest PD difference of the FP32 graph and the fitted model",
            np.abs(_own_pd(scorecard, trained, test) - scores["fp32"]).max(),
            limits.parity,
        ),
        "alone_and_in_batches": at_most(
            "largest PD difference of a row alone and in batches",
            max(_batch_difference(graph, test) for graph in graphs.values()),
            0.0,
        ),
        "extremes": at_most(
            "extreme but valid applications without a PD in 0 to 1",
            sum(_without_pd(scorecard, graph, knobs.seed) for graph in graphs.values()),
            0.0,
        ),
        "auc": at_least("lower end of the AUC's 95 % interval", auc["low"], limits.lowest_auc),
        "brier": at_most("Brier score", measured.brier, limits.brier),
        "expected_calibration_error": at_most(
            "expected calibration error", measured.expected_calibration_error, limits.expected_calibration_error
        ),
        **{
            f"approval_gap_{column}": at_most(f"approval-rate gap by {column}", gap, limits.approval_gap)
            for column, gap in measured.approval_gaps.items()
        },
        "reasons_alone_and_in_batches": at_most(
            "largest difference of a contribution to a row's log-odds alone and in batches",
            max(_reason_difference(graphs[variant], explainer, test) for variant, explainer in explainers.items()),
            0.0,
        ),
        "reasons_add_up": at_most(
            "largest difference of contributions in sum from a row's log-odds less the reference's",
            max(item.additivity for item in reasons.values()),
            ADDITIVITY,
        ),
        "reasons_reach": at_least(
            "share of declines that the reference's values in their stated reasons would approve",
            reasons[serving].reached_share,
            limits.reasons_reach,
        ),
        **variant_checks(scores, scorecard.cutoff, graphs[serving], test, limits),
    }
    result = Verification(
        scorecard=scorecard.name,
        serving=serving,
        graph_sha256={variant: graph.sha256 for variant, graph in graphs.items()},
        rows=len(test),
        holds=not failed(checks),
        checks=checks,
        auc=auc,
        figures=measured,
        reasons=reasons[serving],
    )
    # In DVC's forms: flat numbers to compare between runs, and the points of a plot.
    written = {
        "metrics": {name: check.value for name, check in checks.items()},
        "approval_rates": [
            {"group": f"{group.column} {group.group}", "approval_rate": group.approval_rate}
            for group in measured.groups
        ],
    }
    for name, content in written.items():
        write_atomically(workspace.reports / f"{name}.json", json.dumps(content, indent=2) + "\n")
    write_atomically(workspace.reports / "verification.json", result.model_dump_json(indent=2) + "\n")
    return result


def figures(
    scorecard: Scorecard, rows: pd.DataFrame, labels: Labels, scores: PDs, cutoff: float | None = None
) -> Figures:
    """The figures of one model's PDs, decided at its own cut-off, by default the scorecard's."""
    card = scorecard if cutoff is None else dataclasses.replace(scorecard, cutoff=cutoff)
    result = compare_groups(scorecard.name, False, 0, card, rows, labels, scores)
    return Figures(
        auc=result.auc,
        brier=result.brier,
        expected_calibration_error=calibration_error(labels, scores),
        approval_rate=result.approval_rate,
        groups=result.groups,
        approval_gaps=approval_gaps(result.groups),
        impact_ratios=impact_ratios(result.groups),
    )


def variant_checks(
    scores: Mapping[Variant, PDs], cutoff: float, serving: Graph, rows: pd.DataFrame, limits: PromotionLimits
) -> dict[str, Check]:
    """Decisions that differ between the variants, and the time of the one that serves."""
    declines = {variant: declined(pd, cutoff) for variant, pd in scores.items()}
    flipped = max(float(np.mean(other != declines["fp32"])) for other in declines.values())
    checks = {
        "flipped_share": at_most("share of decisions that differ between FP32 and INT8", flipped, limits.flipped_share)
    }
    for count, limit in zip(LATENCY_ROWS, (limits.microseconds_1, limits.microseconds_256), strict=True):
        time = standard_microseconds(serving, graph_inputs(rows, serving.columns, serving.text_columns).resized(count))
        what = f"standard µs for {count} row{'s' if count > 1 else ''}"
        checks[f"microseconds_{count}"] = at_most(what, time, limit)
    return checks


def read_verification(workspace: Workspace) -> Verification:
    """The verdict on the trained model.

    Raises:
        StageError: the stage has not run.
    """
    path = workspace.reports / "verification.json"
    try:
        return Verification.model_validate_json(path.read_bytes())
    except (OSError, ValueError) as error:
        raise StageError(f"{path} holds no verification: {error}; run: scorebox verify") from None


def _own_pd(scorecard: Scorecard, trained: Trained, rows: pd.DataFrame) -> PDs:
    """PDs by the fitted model itself, without the graph's body and tail."""
    specification = trained.specification
    blocks = candidate_blocks(scorecard, specification.features, specification.protected_fields)
    features = feature_matrix(
        blocks, specification.columns, graph_inputs(rows, specification.columns, scorecard.text_columns)
    )
    return trained.calibration.pd(trained.model.log_odds(features))


def _batch_difference(graph: Graph, rows: pd.DataFrame) -> float:
    inputs = graph_inputs(rows.iloc[:ALONE_ROWS], graph.columns, graph.text_columns)
    alone = np.concatenate([graph.score(inputs[row : row + 1]) for row in range(len(inputs))])
    whole = graph.score(graph_inputs(rows, graph.columns, graph.text_columns))[: len(alone)]
    batched = [
        np.concatenate([graph.score(inputs[start : start + size]) for start in range(0, len(inputs), size)])
        for size in BATCH_SIZES
    ]
    return max(float(np.abs(alone - other).max()) for other in (whole, *batched))


def _reason_difference(graph: Graph, explainer: Explainer, rows: pd.DataFrame) -> float:
    inputs = graph_inputs(rows, graph.columns, graph.text_columns)
    reference = explainer.references[0]
    whole = explainer.contributions(inputs, reference)
    alone = [explainer.contributions(inputs[row : row + 1], reference) for row in range(min(ALONE_ROWS, len(inputs)))]
    return float(np.abs(whole[: len(alone)] - np.concatenate(alone)).max())


def _without_pd(scorecard: Scorecard, graph: Graph, seed: int) -> int:
    applications = extreme_applications(scorecard.request_model(graph.columns), scorecard.example, seed)
    scores = graph.score(thin_frame(scorecard, graph.columns).inputs(applications))
    return int(np.sum(~((scores >= 0) & (scores <= 1))))
