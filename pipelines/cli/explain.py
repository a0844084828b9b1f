"""The graphs that give reasons."""

from __future__ import annotations

from pipelines.cli.console import print_line
from pipelines.cli.options import ProfileName, ScorecardName, workspace_of
from pipelines.stages import explain as stage
from scoring.scorecards import load


def explain(scorecard: ScorecardName, profile: ProfileName = None) -> None:
    """Write the graphs that give the reasons of a decision, with their reference applicants."""
    card = load(scorecard)
    for variant, explainer in stage.explain(card, workspace_of(scorecard, profile)).items():
        nearest = explainer.reference_for(card.cutoff).pd
        print_line(
            "explain",
            f"{variant}: {len(explainer.groups)} reason groups, {len(explainer.references)} reference applicants, "
            f"for cut-off {card.cutoff:g} one of PD {nearest:.4f}",
        )
