"""The measures of a trained model."""

from __future__ import annotations

from functools import partial

from pipelines.cli.console import print_line, steps
from pipelines.cli.options import ProfileName, ScorecardName, workspace_of
from pipelines.cli.revision import warn_of_unknown_revision
from pipelines.params import read_params
from pipelines.stages import report as stage
from scoring.scorecards import load

SHOWN = ("auc", "ks", "brier")
"""Metrics of the line that is printed; the report has them all."""


def report(scorecard: ScorecardName, profile: ProfileName = None) -> None:
    """Measure the served graph on the test rows: metrics with intervals, plots, fairness, MLflow run."""
    card, workspace, params = load(scorecard), workspace_of(scorecard, profile), read_params()
    warn_of_unknown_revision("the model")
    with steps(stage.comparison_fits(workspace, params)) as advance:
        result = stage.report(card, workspace, params, advance, partial(print_line, "report"))
    shown = ", ".join(
        f"{name} {item['value']:.4f} [{item['low']:.4f}, {item['high']:.4f}]"
        for name, item in result.metrics.items()
        if name in SHOWN
    )
    print_line("report", f"{shown}: {workspace.report / 'report.md'}")
