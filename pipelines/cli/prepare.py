"""From the raw snapshot to training and test rows."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from rich.table import Table

from pipelines.cli.console import console, print_line, steps
from pipelines.cli.options import ProfileName, ScorecardName, workspace_of
from pipelines.params import read_params
from pipelines.stages import prepare
from scoring.scorecards import load


def validate(scorecard: ScorecardName, profile: ProfileName = None) -> None:
    """Check the data contract; a broken one stops here with a table."""
    card, workspace = load(scorecard), workspace_of(scorecard, profile)
    with _broken_rules(scorecard), steps(prepare.raw_rows(card, workspace)) as advance:
        report = prepare.validate(card, workspace, advance)
    print_line("validate", f"{report.rows:,} rows hold the contract")


def features(scorecard: ScorecardName, profile: ProfileName = None) -> None:
    """Make one row per application of the raw tables, with the lineage of every column."""
    card, workspace = load(scorecard), workspace_of(scorecard, profile)
    with _broken_rules(scorecard), steps(prepare.queries_needed(card, workspace)) as advance:
        report = prepare.features(card, workspace, advance)
    print_line("features", f"{report.rows:,} applications, {len(card.inputs)} columns, hold the contract")


def split(scorecard: ScorecardName, profile: ProfileName = None) -> None:
    """Split into training and test rows, stratified, duplicates on one side."""
    workspace = workspace_of(scorecard, profile)
    prepare.split(load(scorecard), workspace, read_params().scorecard(scorecard))
    print_line("split", f"written to {workspace.split}")


@contextmanager
def _broken_rules(scorecard: str) -> Iterator[None]:
    """Print the rules of a data contract that are broken."""
    try:
        yield
    except prepare.ContractViolatedError as error:
        table = Table(title=f"{scorecard}: broken rules", title_justify="left")
        for head in ("rule", "column", "count", "first rows"):
            table.add_column(head)
        for item in error.report.violations:
            table.add_row(item.rule, item.column, str(item.count), ", ".join(map(str, item.first_rows)))
        console.print(table)
        raise
