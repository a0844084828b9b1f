"""The commands around raw data: where they come from, taking them in, and how old they are."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.table import Table

from pipelines.cli.console import ProfileName, ScorecardName, app, console, say, transfers
from pipelines.workspace import Workspace
from scoring.scorecards import load

LOCATION = "File, folder, archive or URL (https, s3, az, dvc, kaggle); see docs/how-to/data.md."
COLOURS = {"fresh": "green", "stale": "yellow", "missing": "red"}


@app.command()
def source(
    scorecard: ScorecardName,
    location: Annotated[str | None, typer.Argument(help=LOCATION)] = None,
    sample: Annotated[bool, typer.Option("--sample", help="Go back to sample data.")] = False,
) -> None:
    """Set, or show, where `ingest` finds the data in this and later runs.

    SCOREBOX_SOURCE_<SCORECARD> in the environment counts more than what was set before.
    """
    from pipelines.stages.ingest import remember_source
    from training.sources.locations import shown

    load(scorecard)
    chosen = remember_source(scorecard, location, sample=sample)
    say("source", f"{scorecard}: {shown(chosen) if chosen else 'SAMPLE DATA'}")


@app.command()
def ingest(
    scorecard: ScorecardName,
    profile: ProfileName = "full",
    location: Annotated[str | None, typer.Option("--source", help=f"For this run only. {LOCATION}")] = None,
) -> None:
    """Take in the data: a raw snapshot and a summary of where it came from."""
    from pipelines.params import read_params
    from pipelines.stages.ingest import current_source
    from pipelines.stages.ingest import ingest as run

    card = load(scorecard)
    found = location or current_source(scorecard)
    rows = read_params().scorecard(scorecard).sample_rows
    with transfers() as tell:
        summary = run(card, Workspace(scorecard, profile), found, rows, tell)
    if summary.sample_data:
        console.print(
            f"[bold yellow]SAMPLE DATA[/] {scorecard}: made up by Scorebox"
            + ("; no source is set" if found is None else "")
        )
    for file in summary.files:
        hashed = f"sha256 {file.sha256[:12]} {'is the published one' if file.verified else 'unverified'}"
        say("ingest", f"{file.table}: {file.rows:,} rows of {file.name}, {hashed}")
    say("ingest", f"{summary.source}: {summary.total.rows:,} rows, snapshot {summary.snapshot_sha256[:12]}")


@app.command()
def freshness(
    scorecard: ScorecardName,
    profile: ProfileName = "full",
    fail: Annotated[bool, typer.Option("--fail", help="Exit code 1 if a feed is stale or missing.")] = False,
) -> None:
    """Say how old each feed is, and whether that is too old."""
    from pipelines.params import read_params
    from pipelines.watch.freshness import freshness as run

    workspace = Workspace(scorecard, profile)
    report = run(load(scorecard), workspace, read_params().scorecard(scorecard).freshness)
    table = Table(title=f"{scorecard}: feeds", title_justify="left")
    for head in ("feed", "verdict", "age in days", "limit", "counted from"):
        table.add_column(head)
    for feed in report.feeds:
        age = "–" if feed.age_days is None else f"{feed.age_days:,.1f}"
        limit = "none" if feed.limit_days is None else f"{feed.limit_days:,g}"
        colour = COLOURS[feed.verdict]
        table.add_row(feed.feed, f"[{colour}]{feed.verdict}[/]", age, limit, feed.counted_from)
    console.print(table)
    say("freshness", f"{report.verdict}: {workspace.freshness}")
    if fail and report.verdict != "fresh":
        raise typer.Exit(1)
