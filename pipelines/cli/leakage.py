"""Show the figures that careless splits would have reported."""

from __future__ import annotations

from pipelines.cli.console import print_line, steps
from pipelines.cli.options import ProfileName, ScorecardName, workspace_of
from pipelines.params import read_params
from pipelines.stages import leakage as stage
from scoring.scorecards import load
from training.evaluation.leakage import HONEST, MODELS, WAYS


def leakage(scorecard: ScorecardName, profile: ProfileName = None) -> None:
    """Measure what a split through identical applicants, or thinning before it, would have reported."""
    workspace = workspace_of(scorecard, profile)
    with steps(len(MODELS) * len(WAYS)) as advance:
        outcome = stage.leakage(load(scorecard), workspace, read_params(), advance)
    for name in (HONEST.name, WAYS[-1].name):
        shown = ", ".join(f"{family} {item['value']:.3f}" for family, item in outcome[name].items())
        print_line("leakage", f"{name}: AUC {shown}")
    print_line("leakage", f"with intervals: {workspace.leakage}")
