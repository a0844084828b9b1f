"""What careless splits would have reported."""

from __future__ import annotations

from pipelines.cli.console import ProfileName, ScorecardName, app, say, steps
from pipelines.workspace import Workspace
from scoring.scorecards import load


@app.command()
def leakage(scorecard: ScorecardName, profile: ProfileName = "full") -> None:
    """Measure what a split through identical applicants, or thinning before it, would have reported."""
    from pipelines.params import read_params
    from pipelines.stages.leakage import leakage as run
    from training.evaluation.leakage import HONEST, MODELS, WAYS

    workspace = Workspace(scorecard, profile)
    with steps(len(MODELS) * len(WAYS)) as advance:
        outcome = run(load(scorecard), workspace, read_params(), advance)
    for name in (HONEST.name, WAYS[-1].name):
        shown = ", ".join(f"{family} {item['value']:.3f}" for family, item in outcome[name].items())
        say("leakage", f"{name}: AUC {shown}")
    say("leakage", f"with intervals: {workspace.leakage}")
