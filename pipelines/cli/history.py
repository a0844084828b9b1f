"""The history store."""

from __future__ import annotations

from typing import Annotated

import typer

from pipelines.cli.console import print_line, steps
from pipelines.cli.options import ProfileName, ScorecardName, workspace_of
from pipelines.watch.history import clients, fill
from scoring.scorecards import load


def history(
    scorecard: ScorecardName,
    profile: ProfileName = None,
    to: Annotated[
        str | None,
        typer.Option(help="A file, or a redis:// address.", show_default="releases/SCORECARD.history.sqlite"),
    ] = None,
) -> None:
    """Write every client's history where the service reads it by key."""
    card, workspace = load(scorecard), workspace_of(scorecard, profile)
    with steps(clients(card, workspace)) as advance:
        record, where = fill(card, workspace, to, advance)
    print_line("history", f"{record.clients:,} clients, {len(record.columns)} columns: {where}")
