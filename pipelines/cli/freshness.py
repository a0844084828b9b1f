"""The age of the data."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.table import Table

from pipelines.cli.console import console, print_line
from pipelines.cli.options import ProfileName, ScorecardName, workspace_of
from pipelines.params import read_params
from pipelines.watch import freshness as feeds
from scoring.scorecards import load

COLOURS = {"fresh": "green", "stale": "yellow", "missing": "red"}


def freshness(
    scorecard: ScorecardName,
    profile: ProfileName = None,
    fail: Annotated[bool, typer.Option("--fail", help="Exit code 1 if a feed is stale or missing.")] = False,
) -> None:
    """Say how old each feed is, and whether that is too old."""
    workspace = workspace_of(scorecard, profile)
    report = feeds.freshness(load(scorecard), workspace, read_params().scorecard(scorecard).freshness)
    table = Table(title=f"{scorecard}: feeds", title_justify="left")
    for head in ("feed", "verdict", "age in days", "limit", "counted from"):
        table.add_column(head)
    for feed in report.feeds:
        age = "–" if feed.age_days is None else f"{feed.age_days:,.1f}"
        limit = "none" if feed.limit_days is None else f"{feed.limit_days:,g}"
        colour = COLOURS[feed.verdict]
        table.add_row(feed.feed, f"[{colour}]{feed.verdict}[/]", age, limit, feed.counted_from)
    console.print(table)
    print_line("freshness", f"{report.verdict}: {workspace.freshness}")
    if fail and report.verdict != "fresh":
        raise typer.Exit(1)
