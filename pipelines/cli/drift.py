"""Whether retraining is due."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.text import Text

from pipelines.cli.console import print_line
from pipelines.cli.journal_options import JournalFolder, journal_folder
from pipelines.cli.options import ProfileName, Pushgateway, ScorecardName, Since, Until, workspace_of
from pipelines.cli.tables import AsJson, Cell, Column, print_json, print_table
from pipelines.params import read_params
from pipelines.watch.drift import drift as run
from scoring.scorecards import load
from training.errors import StageError
from training.monitoring.drift import ColumnDrift

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
    as_json: AsJson = False,
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
    if as_json:
        print_json(status)
    elif status.features:
        print_table(
            f"{scorecard}: features with the largest PSI",
            [
                Column("feature", has_sentences=True),
                "status",
                "PSI",
                "by chance up to",
                Column("unseen", has_sentences=True),
            ],
            map(_cells, status.features[:SHOWN]),
        )
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


def _cells(item: ColumnDrift) -> list[Cell]:
    unseen = ", ".join(f"{name} ({share:.1%})" for name, share in item.unseen.items())
    status = Text(item.status, style=COLOURS[item.status])
    return [item.column, status, f"{item.psi:.3f}", f"{item.chance:.3f}", unseen]
