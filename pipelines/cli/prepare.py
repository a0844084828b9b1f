"""From the raw snapshot to training and test rows."""

from __future__ import annotations

from pipelines.cli.broken_rules import broken_rules
from pipelines.cli.console import print_line, steps
from pipelines.cli.options import ProfileName, ScorecardName, workspace_of
from pipelines.cli.tables import AsJson, print_json
from pipelines.params import read_params
from pipelines.stages import prepare
from scoring.scorecards import load


def validate(scorecard: ScorecardName, profile: ProfileName = None, as_json: AsJson = False) -> None:
    """Check the data contract, of which a broken one is a table, and that there are rows enough to train on."""
    card, workspace = load(scorecard), workspace_of(scorecard, profile)
    params = read_params().scorecard(scorecard)
    with broken_rules(scorecard, as_json=as_json), steps(prepare.raw_rows(card, workspace)) as advance:
        report = prepare.validate(card, workspace, params, advance)
    if as_json:
        print_json(report)
    print_line("validate", f"{report.rows:,} rows hold the contract")


def features(scorecard: ScorecardName, profile: ProfileName = None, as_json: AsJson = False) -> None:
    """Make one row per application of the raw tables, with the lineage of every column."""
    card, workspace = load(scorecard), workspace_of(scorecard, profile)
    params = read_params().scorecard(scorecard)
    with broken_rules(scorecard, as_json=as_json), steps(prepare.queries_needed(card, workspace)) as advance:
        report = prepare.features(card, workspace, params, advance)
    if as_json:
        print_json(report)
    print_line("features", f"{report.rows:,} applications, {len(card.inputs)} columns, hold the contract")


def split(scorecard: ScorecardName, profile: ProfileName = None) -> None:
    """Split into training and test rows, stratified, duplicates on one side."""
    workspace = workspace_of(scorecard, profile)
    prepare.split(load(scorecard), workspace, read_params().scorecard(scorecard))
    print_line("split", f"written to {workspace.split}")
