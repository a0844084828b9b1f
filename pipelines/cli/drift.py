"""Whether retraining is due."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from pipelines.cli.console import console, print_line
from pipelines.cli.journal_options import JournalFolder, journal_folder
from pipelines.cli.options import ProfileName, Pushgateway, ScorecardName, Since, Until, workspace_of
from pipelines.params import read_params
from pipelines.watch.drift import drift as run
from scoring.scorecards import load
from training.errors import StageError

SHOWN = 10
"""Features in the table, those with the largest PSI."""
COLOURS = {"stable": "green", "constant": "green", "watch": "yellow", "shifted": "red", "missing": "red"}


def drift(
    scorecard: ScorecardName,
    file: Annotated[
        str | None, typer.Argument(help="Applications, Parquet or CSV.", show_default="those of the journal")
    ] = None,
    journal: JournalFolder = None,
    since: Since = None,
    until: Until = None,
    profile: ProfileName = None,
    pushgateway: Pushgateway = None,
    fail: Annotated[bool, typer.Option("--fail", help="Exit code 1 if retraining is due.")] = False,
) -> None:
    """Compare applications and their scores with the training rows, and say whether retraining is due."""
    if file is not None and (since or until):
        raise StageError("--since and --until choose decisions of the journal; a file is compared as a whole")
    card, workspace = load(scorecard), workspace_of(scorecard, profile)
    status = run(
        card,
        workspace,
        read_params().scorecard(scorecard),
        journal_folder(scorecard, journal) if file is None else file,
        since=since,
        until=until,
        pushgateway=pushgateway,
        tell=lambda line: print_line("drift", line),
    )
    erased = f"; {status.rows.erased:,} erased" if status.rows.erased else ""
    compared = f"{status.rows.compared:,} of {status.rows.found:,} applications{erased}"
    print_line("drift", f"{compared}, next to {status.reference.compared:,} training rows")
    table = Table(title=f"{scorecard}: features with the largest PSI", title_justify="left")
    for head in ("feature", "status", "PSI", "by chance up to", "unseen"):
        table.add_column(head)
    for item in status.features[:SHOWN]:
        unseen = ", ".join(f"{name} ({share:.1%})" for name, share in item.unseen.items())
        shown = f"[{COLOURS[item.status]}]{item.status}[/]"
        table.add_row(escape(item.column), shown, f"{item.psi:.3f}", f"{item.chance:.3f}", escape(unseen))
    if status.features:
        console.print(table)
    for score in status.scores:
        if score.note:
            print_line("drift", f"{score.model}: {score.note}")
    if status.not_compared:
        print_line(
            "drift", f"{len(status.not_compared)} columns of the history are not in the file and were not compared"
        )
    for sentence in status.because:
        print_line("drift", sentence)
    print_line("drift", f"{status.verdict}: {workspace.monitoring / 'drift.html'}")
    if fail and status.due:
        raise typer.Exit(1)
