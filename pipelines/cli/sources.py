"""Raw data: where they come from, and taking them in."""

from __future__ import annotations

import os
from typing import Annotated

import typer

from pipelines.cli.broken_rules import broken_rules
from pipelines.cli.console import print_line, print_warning, transfers
from pipelines.cli.options import ProfileName, ScorecardName, workspace_of
from pipelines.cli.tables import AsJson, print_json
from pipelines.params import read_params
from pipelines.stages import ingest as stage
from scoring.scorecards import load
from training.errors import StageError
from training.sources.locations import shown

LOCATION = "File, folder, archive or URL (https, s3, az, dvc, kaggle); see docs/how-to/data.md."


def source(
    scorecard: ScorecardName,
    location: Annotated[str | None, typer.Argument(help=LOCATION)] = None,
    sample: Annotated[bool, typer.Option("--sample", help="Go back to sample data.")] = False,
) -> None:
    """Set, or show, where `ingest` finds the data in this and later runs.

    SCOREBOX_SOURCE_<SCORECARD> in the environment counts more than what was set before.
    """
    load(scorecard)
    if location and sample:
        raise StageError("a location and --sample exclude each other: give one of them")
    chosen = stage.remember_source(scorecard, location, sample=sample)
    print_line("source", f"{scorecard}: {shown(chosen) if chosen else 'SAMPLE DATA'}")
    variable = stage.source_variable(scorecard)
    if (location or sample) and (counts := os.environ.get(variable)) and counts != location:
        print_warning("source", f"{variable} is set and counts more: {shown(counts)}")


def ingest(
    scorecard: ScorecardName,
    profile: ProfileName = None,
    location: Annotated[str | None, typer.Option("--source", help=f"For this run only. {LOCATION}")] = None,
    published: Annotated[
        bool, typer.Option("--published", help="Refuse a file that is not the published one, by its hash.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Take in the data: a raw snapshot that holds the contract, and a summary of where it came from."""
    card = load(scorecard)
    found = location or stage.current_source(scorecard)
    params = read_params().scorecard(scorecard)
    # Before a stage works for minutes.
    params.require_features(card)
    workspace = workspace_of(scorecard, profile)
    with broken_rules(scorecard, as_json=as_json), transfers() as advance:
        summary = stage.ingest(
            card,
            workspace,
            found,
            params.sample_rows,
            advance,
            lambda line: print_line("ingest", line),
            published=published,
        )
    if as_json:
        print_json(summary)
    if summary.sample_data:
        unset = "; no source is set" if found is None else ""
        print_warning("SAMPLE DATA", f"{scorecard}: made up by Scorebox{unset}")
    elif not summary.published:
        print_warning("UNVERIFIED", f"{scorecard}: {summary.title}")
    for file in summary.files:
        hashed = f"sha256 {file.sha256[:12]} {'is the published one' if file.verified else 'unverified'}"
        print_line("ingest", f"{file.table}: {file.rows:,} rows of {file.name}, {hashed}")
    print_line("ingest", f"{summary.source}: {summary.total.rows:,} rows, snapshot {summary.snapshot_sha256[:12]}")
