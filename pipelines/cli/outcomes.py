"""What became of applicants: matured outcomes of journaled decisions."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape
from rich.table import Table

from pipelines.cli.console import ScorecardName, app, console, day, say
from pipelines.cli.journal import JournalFolder, journal_folder
from pipelines.cli.portfolio import rows_done
from training.errors import StageError

if TYPE_CHECKING:
    from scoring.outcomes.store import Fate

outcomes_app = typer.Typer(help="Attach matured outcomes to decisions.", no_args_is_help=True)
app.add_typer(outcomes_app, name="outcomes")


@outcomes_app.command("import")
def import_(
    scorecard: ScorecardName,
    source: Annotated[str, typer.Argument(metavar="FILE", help="CSV or Parquet: decision_id, defaulted, observed_on.")],
    journal: JournalFolder = None,
    observed_on: Annotated[
        str | None, typer.Option(parser=day, metavar="DATE", help="Of rows without a date of their own.")
    ] = None,
    rejects: Annotated[Path | None, typer.Option(help="Where rows that were not recorded go, as CSV.")] = None,
) -> None:
    """Record the outcomes of a file; what cannot be recorded is kept aside and reported."""
    from pipelines.watch.outcomes import find, import_outcomes
    from scoring.journal.transaction import JournalUnavailableError

    observed = None if observed_on is None else date.fromisoformat(observed_on)
    if rejects is not None and rejects.resolve() == Path(source).resolve():
        raise StageError(f"{rejects} is both read and written")
    file = find(source, observed)
    try:
        with rows_done(file.rows, "outcomes") as advance:
            summary = import_outcomes(journal_folder(scorecard, journal), file, observed, rejects, advance)
    except JournalUnavailableError as error:
        raise StageError(str(error)) from None
    table = Table(title=f"{scorecard}: {sum(summary.results.values()):,} outcomes of {source}", title_justify="left")
    table.add_column("result")
    table.add_column("rows", justify="right")
    for result, rows in summary.results.items():
        table.add_row(result, f"{rows:,}")
    console.print(table)
    if summary.adopted:
        fates = ", ".join(f"{rows:,} {fate}" for fate, rows in summary.adopted.items())
        say("outcomes", f"decisions that earlier outcomes waited for are there now: {fates}")
    if summary.not_recorded:
        where = f": {rejects}" if rejects is not None else "; --rejects FILE.csv names them"
        text = f"{summary.not_recorded:,} rows were not recorded{where}"
        console.print(f"[bold yellow]warning[/] {escape(text)}", soft_wrap=True)


@outcomes_app.command("list")
def list_(
    scorecard: ScorecardName,
    journal: JournalFolder = None,
    conflicts: Annotated[bool, typer.Option("--conflicts", help="Other labels than those in force.")] = False,
    unknown: Annotated[bool, typer.Option("--unknown", help="Those that wait for their decisions.")] = False,
    early: Annotated[bool, typer.Option("--early", help="Those from before their decisions.")] = False,
) -> None:
    """Count the outcomes, or list those that were set aside."""
    from scoring.outcomes.store import Outcomes

    store = Outcomes(journal_folder(scorecard, journal))
    chosen: dict[Fate, bool] = {"conflicting": conflicts, "unknown": unknown, "early": early}
    for fate, wanted in chosen.items():
        if wanted:
            table = Table(title=f"{scorecard}: {fate} outcomes", title_justify="left")
            for head in ("decision", "defaulted", "observed on", "source", "came at"):
                table.add_column(head)
            for kept in store.kept(fate):
                item = kept.outcome
                row = (item.decision_id, str(item.defaulted), item.observed_on, item.source, kept.recorded_at)
                table.add_row(*map(escape, row))
            console.print(table)
    if not any(chosen.values()):
        for fate, count in store.counts().items():
            say("outcomes", f"{count:,} {fate}")
