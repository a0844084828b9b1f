"""The graphs of a trained model, and which of them serves."""

from __future__ import annotations

from pipelines.cli.console import print_line
from pipelines.cli.options import ProfileName, ScorecardName, workspace_of
from pipelines.params import read_params
from pipelines.stages import graphs
from scoring.scorecards import load


def export(scorecard: ScorecardName, profile: ProfileName = None) -> None:
    """Write the FP32 graph."""
    print_line("export", f"FP32 graph, sha256 {graphs.export(load(scorecard), workspace_of(scorecard, profile))}")


def quantize(scorecard: ScorecardName, profile: ProfileName = None) -> None:
    """Write the INT8 graph."""
    card, workspace = load(scorecard), workspace_of(scorecard, profile)
    print_line("quantize", graphs.quantize(card, workspace, read_params().scorecard(scorecard)))


def benchmark(scorecard: ScorecardName, profile: ProfileName = None) -> None:
    """Compare the variants and choose the one that serves."""
    card, workspace = load(scorecard), workspace_of(scorecard, profile)
    result = graphs.benchmark(card, workspace, read_params().scorecard(scorecard))
    for item in result.variants:
        times = ", ".join(f"{rows:,}: {time:,.1f}" for rows, time in item.microseconds.items())
        print_line("benchmark", f"{item.variant}: {item.flipped_decisions} flipped, µs by rows {times}")
    print_line("benchmark", f"{result.serving} serves: {result.reason}")
