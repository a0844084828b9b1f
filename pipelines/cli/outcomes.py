"""Import and list matured outcomes of journaled decisions."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from pipelines.cli.console import console, print_line, print_warning, rows_done
from pipelines.cli.journal_options import JournalFolder, journal_folder
from pipelines.cli.options import ScorecardName, day
from pipelines.watch import outcomes as files
from scoring.files import refuse_overwrite
from scoring.outcomes.contract import is_future
from scoring.outcomes.store import Outcomes, OutcomeStatus
from scoring.tables.outputs import refuse_overlap
from scoring.tables.places import place
from training.errors import StageError


def import_outcomes(
    scorecard: ScorecardName,
    source: Annotated[str, typer.Argument(metavar="FILE", help="CSV or Parquet: decision_id, defaulted, observed_on.")],
    journal: JournalFolder = None,
    observed_on: Annotated[
        str | None, typer.Option(parser=day, metavar="DATE", help="Of rows without a date of their own.")
    ] = None,
    rejects: Annotated[Path | None, typer.Option(help="Where rows that were not recorded go, as CSV.")] = None,
) -> None:
    """Record the outcomes of a file; what cannot be recorded is kept aside and reported, and fails if all is."""
    observed = None if observed_on is None else date.fromisoformat(observed_on)
    if observed is not None and is_future(observed):
        raise StageError(f"--observed-on {observed} is in the future")
    file, folder = files.find(source, observed), journal_folder(scorecard, journal)
    if rejects is not None:
        refuse_overwrite(rejects, folder)
        refuse_overlap(place(str(rejects)), [place(file.address)])
    for note in file.notes:
        print_line("outcomes", f"{file.shown}: {note}")
    with rows_done(file.rows, "outcomes") as advance:
        summary = files.import_outcomes(folder, file, observed, rejects, advance)
    table = Table(title=f"{scorecard}: {sum(summary.results.values()):,} outcomes of {source}", title_justify="left")
    table.add_column("result")
    table.add_column("rows", justify="right")
    for result, rows in summary.results.items():
        table.add_row(result, f"{rows:,}")
    console.print(table)
    if summary.adopted:
        statuses = ", ".join(f"{rows:,} {status}" for status, rows in summary.adopted.items())
        print_line("outcomes", f"decisions that earlier outcomes waited for are there now: {statuses}")
    if summary.not_recorded:
        where = f": {rejects}" if rejects is not None else "; --rejects FILE.csv names them"
        print_warning("warning", f"{summary.not_recorded:,} rows were not recorded{where}")
    if not summary.in_force:
        found = ", ".join(f"{rows:,} {result}" for result, rows in summary.results.items())
        raise StageError(f"no outcome of {source} was recorded: {found or 'it has no rows'}")


def list_outcomes(
    scorecard: ScorecardName,
    journal: JournalFolder = None,
    conflicts: Annotated[bool, typer.Option("--conflicts", help="Other labels than those in force.")] = False,
    unknown: Annotated[bool, typer.Option("--unknown", help="Those that wait for their decisions.")] = False,
    early: Annotated[bool, typer.Option("--early", help="Those from before their decisions.")] = False,
) -> None:
    """Count the outcomes, or list those that were set aside."""
    store = Outcomes(journal_folder(scorecard, journal))
    chosen: dict[OutcomeStatus, bool] = {"conflicting": conflicts, "unknown": unknown, "early": early}
    for status, wanted in chosen.items():
        if wanted:
            table = Table(title=f"{scorecard}: {status} outcomes", title_justify="left")
            for head in ("decision", "defaulted", "observed on", "source", "came at"):
                table.add_column(head)
            for kept in store.kept(status):
                item = kept.outcome
                row = (item.decision_id, str(item.defaulted), item.observed_on, item.source, kept.recorded_at)
                table.add_row(*map(escape, row))
            console.print(table)
    if not any(chosen.values()):
        for status, count in store.counts().items():
            print_line("outcomes", f"{count:,} {status}")
