"""The age of the data."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.text import Text

from pipelines.cli.console import print_line
from pipelines.cli.options import ProfileName, ScorecardName, workspace_of
from pipelines.cli.tables import AsJson, Cell, Column, Head, print_json, print_table
from pipelines.params import read_params
from pipelines.watch import freshness as feeds
from pipelines.watch.freshness import FeedFreshness
from scoring.scorecards import load

COLOURS = {"fresh": "green", "stale": "yellow", "missing": "red"}


def freshness(
    scorecard: ScorecardName,
    profile: ProfileName = None,
    fail: Annotated[bool, typer.Option("--fail", help="Exit code 1 if a feed is stale or missing.")] = False,
    as_json: AsJson = False,
) -> None:
    """Say how old each feed is, and whether that is too old."""
    workspace = workspace_of(scorecard, profile)
    report = feeds.freshness(load(scorecard), workspace, read_params().scorecard(scorecard).freshness)
    if as_json:
        print_json(report)
    else:
        heads: list[Head] = ["feed", "verdict", "age in days", "limit", Column("counted from", has_sentences=True)]
        print_table(f"{scorecard}: feeds", heads, map(_cells, report.feeds))
    print_line("freshness", f"{report.verdict}: {workspace.freshness}")
    if fail and report.verdict != "fresh":
        raise typer.Exit(1)


def _cells(feed: FeedFreshness) -> list[Cell]:
    age = "–" if feed.age_days is None else f"{feed.age_days:,.1f}"
    limit = "none" if feed.limit_days is None else f"{feed.limit_days:,g}"
    return [feed.feed, Text(feed.verdict, style=COLOURS[feed.verdict]), age, limit, feed.counted_from]
