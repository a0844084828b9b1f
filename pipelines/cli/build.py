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
from pipelines.cli.push import push
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
    for stage in (*stages, push, promote):
        stage(scorecard, profile)
    bentofile(scorecard)
