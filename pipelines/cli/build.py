"""Everything from raw data to a model that serves."""

from __future__ import annotations

from typing import Annotated

import typer

from pipelines.cli.bentofile import bentofile
from pipelines.cli.card import card
from pipelines.cli.explain import explain
from pipelines.cli.graphs import benchmark, export, quantize
from pipelines.cli.history import history
from pipelines.cli.options import ScorecardName
from pipelines.cli.prepare import features, split, validate
from pipelines.cli.push import push_and_print
from pipelines.cli.registry import promote
from pipelines.cli.report import report
from pipelines.cli.sources import ingest
from pipelines.cli.train import train
from pipelines.cli.verify import verify
from pipelines.workspace import FULL
from scoring.scorecards import load


def build(
    scorecard: ScorecardName,
    profile: Annotated[str, typer.Option("--profile", help="How much work training does; see params.yaml.")] = FULL,
) -> None:
    """Run every stage in order, from ingest to promote."""
    ingest(scorecard, profile)
    stages = [validate, features, split, train, export, quantize, explain, benchmark, report, verify, card]
    if load(scorecard).history:
        # Before the release that needs it.
        stages.append(history)
    for stage in stages:
        stage(scorecard, profile)
    pushed = push_and_print(scorecard, profile)
    # Another model may be the challenger of a champion that was only built again.
    promote(scorecard, profile, pushed.registered.number if pushed.is_champion else None)
    bentofile(scorecard)
