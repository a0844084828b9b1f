"""The model card."""

from __future__ import annotations

from pipelines.cli.console import print_line
from pipelines.cli.options import ProfileName, ScorecardName, workspace_of
from pipelines.params import read_params
from pipelines.stages import card as stage
from scoring.scorecards import load


def card(scorecard: ScorecardName, profile: ProfileName = None) -> None:
    """Write the model card, as Markdown and as one HTML file."""
    workspace = workspace_of(scorecard, profile)
    print_line("card", str(stage.card(load(scorecard), workspace, read_params().scorecard(scorecard))))
