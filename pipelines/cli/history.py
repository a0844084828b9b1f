"""The history store."""

from __future__ import annotations

from typing import Annotated

import typer

from pipelines.cli.console import ProfileName, ScorecardName, app, say, steps
from pipelines.workspace import Workspace
from scoring.scorecards import load


@app.command()
def history(
    scorecard: ScorecardName,
    profile: ProfileName = "full",
    to: Annotated[
        str | None,
        typer.Option(help="A file, or a redis:// address; releases/SCORECARD.history.sqlite if not given."),
    ] = None,
) -> None:
    """Write every client's history where the service reads it by key."""
    from pipelines.watch.history import clients, fill

    card, workspace = load(scorecard), Workspace(scorecard, profile)
    with steps(clients(card, workspace)) as advance:
        record, where = fill(card, workspace, to, advance)
    say("history", f"{record.clients:,} clients, {len(record.columns)} columns: {where}")
