"""The competition of candidates."""

from __future__ import annotations

from functools import partial

from pipelines.cli.console import print_line, steps
from pipelines.cli.options import ProfileName, ScorecardName, workspace_of
from pipelines.params import read_params
from pipelines.stages import train as stage
from scoring.scorecards import load
from training.competition import fits_needed


def train(scorecard: ScorecardName, profile: ProfileName = None) -> None:
    """Let the candidates compete and fit the winner."""
    card, workspace, params = load(scorecard), workspace_of(scorecard, profile), read_params()
    iterations = params.profile(workspace.profile).search_iterations
    with steps(fits_needed(params.scorecard(scorecard), iterations)) as advance:
        outcome = stage.train(card, workspace, params, advance, partial(print_line, "train"))
    for result in outcome.candidates:
        broken = ", ".join(gate.gate for gate in result.gates if not gate.holds)
        gates = f"fails {broken}" if broken else "holds every gate"
        print_line("train", f"{result.name:<18} reasons {result.reasons_microseconds:,.0f} standard µs, {gates}")
    print_line("train", f"winner: {outcome.winner}")
