"""Stage verify: absolute checks of the trained model on the test rows, before it may be pushed."""

from __future__ import annotations

import json

from pipelines.artifacts import read_benchmark, read_contents, same_graphs
from pipelines.params import Params
from pipelines.stages.train import load_trained
from pipelines.workspace import Workspace
from scoring.files import write_atomically
from scoring.graph import Graph
from scoring.reasons import Explainer
from scoring.scorecard import Scorecard
from training.evaluation.levels import rare_levels
from training.evaluation.verification import VariantOnRows, Verification, check_model
from training.graph.inputs import graph_inputs
from training.parquet import read_parquet


def verify(scorecard: Scorecard, workspace: Workspace, params: Params) -> Verification:
    """Write `verification.json`, `metrics.json` and `approval_rates.json`, whether every check holds or not.

    Raises:
        StageError: a stage has not run, or measured other graphs.
    """
    trained = load_trained(workspace)
    contents = read_contents(workspace)
    benchmark = read_benchmark(workspace)
    same_graphs(
        workspace,
        "benchmark",
        {item.variant: item.sha256 for item in benchmark.variants},
        {variant: content.graph for variant, content in contents.items()},
    )
    test, _ = read_parquet(workspace.test)
    knobs = params.scorecard(scorecard.name)
    variants = {}
    for name, content in contents.items():
        graph = Graph(content.graph)
        variants[name] = VariantOnRows(
            graph, Explainer(content.explain), graph_inputs(test, graph.columns, graph.text_columns)
        )
    result = check_model(
        scorecard,
        variants,
        benchmark.serving,
        test,
        trained.own_pd(scorecard, test),
        knobs.promotion,
        resamples=params.profile(workspace.profile).bootstrap_resamples,
        seed=knobs.seed,
    )
    served = variants[benchmark.serving]
    train, _ = read_parquet(workspace.train)
    merges = trained.specification.merges
    result.rare_levels = rare_levels(scorecard, served.graph, merges, train, served.inputs, scorecard.cutoff)
    # In DVC's forms: flat numbers to compare between runs, and the points of a plot.
    written = {
        "metrics": {name: check.value for name, check in result.checks.items()},
        "approval_rates": [
            {"group": f"{group.column} {group.group}", "approval_rate": group.approval_rate}
            for group in result.figures.groups
        ],
    }
    for file, numbers in written.items():
        write_atomically(workspace.reports / f"{file}.json", json.dumps(numbers, indent=2) + "\n")
    write_atomically(workspace.verification, result.model_dump_json(indent=2) + "\n")
    return result
