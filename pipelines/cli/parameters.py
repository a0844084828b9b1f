"""The parameters of a scorecard, with every default."""

from __future__ import annotations

from pipelines.cli.console import print_line
from pipelines.cli.options import ProfileName, ScorecardName, workspace_of
from pipelines.params import read_params
from pipelines.stages import parameters as stage
from scoring.scorecards import load


def parameters(scorecard: ScorecardName, profile: ProfileName = None) -> None:
    """Check params.yaml, and write the scorecard's entry with every default."""
    written = stage.parameters(load(scorecard), workspace_of(scorecard, profile), read_params().scorecard(scorecard))
    print_line("parameters", f"written to {written}")
