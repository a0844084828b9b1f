"""Import and list matured outcomes of journaled decisions."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Annotated

import typer

from pipelines.cli.console import print_line, print_warning, rows_done
from pipelines.cli.journal_options import JournalFolder, journal_folder
from pipelines.cli.options import ScorecardName, day
from pipelines.cli.tables import AsJson, Column, Head, print_json, print_table
from pipelines.watch import outcomes as files
from scoring.files import refuse_overwrite
from scoring.outcomes.contract import is_future
from scoring.outcomes.store import KeptOutcome, Outcomes, OutcomeStatus
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
    as_json: AsJson = False,
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
    if as_json:
        print_json({"scorecard": scorecard, "source": source, "results": summary.results, "adopted": summary.adopted})
    else:
        print_table(
            f"{scorecard}: {sum(summary.results.values()):,} outcomes of {source}",
            ["result", Column("rows", is_number=True)],
            [(result, f"{rows:,}") for result, rows in summary.results.items()],
        )
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
    as_json: AsJson = False,
) -> None:
    """Count the outcomes, or list those that were set aside."""
    store = Outcomes(journal_folder(scorecard, journal))
    chosen: dict[OutcomeStatus, bool] = {"conflicting": conflicts, "unknown": unknown, "early": early}
    if as_json:
        kept = {status: store.kept(status) for status, wanted in chosen.items() if wanted}
        print_json({"scorecard": scorecard, "counts": store.counts(), "kept": kept})
        return
    for status, wanted in chosen.items():
        if wanted:
            heads: list[Head] = [
                "decision",
                "defaulted",
                "observed on",
                Column("source", has_sentences=True),
                "came at",
            ]
            print_table(f"{scorecard}: {status} outcomes", heads, map(_cells, store.kept(status)))
    if not any(chosen.values()):
        for status, count in store.counts().items():
            print_line("outcomes", f"{count:,} {status}")


def _cells(kept: KeptOutcome) -> list[str]:
    item = kept.outcome
    return [item.decision_id, str(item.defaulted), item.observed_on, item.source, kept.recorded_at]
