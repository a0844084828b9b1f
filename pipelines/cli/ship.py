"""The copy of the journal in PostgreSQL."""

from __future__ import annotations

from typing import Annotated

import typer

from pipelines.cli.console import print_line, steps
from pipelines.cli.journal_options import JournalFolder, journal_folder
from pipelines.cli.options import ScorecardName
from pipelines.journal.shipping.database import Database
from pipelines.journal.shipping.follow import follow as go_on
from pipelines.journal.shipping.shipper import Shipper
from pipelines.journal.shipping.stopping import Stop

DatabaseAddress = Annotated[
    str,
    typer.Option(
        "--database", envvar="SCOREBOX_DATABASE", show_envvar=True, help="postgresql://user:password@host/name"
    ),
]


def ship(
    scorecard: ScorecardName,
    database: DatabaseAddress,
    journal: JournalFolder = None,
    follow: Annotated[
        bool, typer.Option("--follow", help="Go on until SIGTERM, also while PostgreSQL is away.")
    ] = False,
) -> None:
    """Copy to PostgreSQL what of the journal is not there yet."""
    folder, target = journal_folder(scorecard, journal), Database(database)
    shipper = Shipper(folder, target)
    if follow:
        print_line("ship", f"{folder} to {target.name}, until SIGTERM")
        records = go_on(shipper.ship, Stop(), lambda line: print_line("ship", line))
        print_line("ship", f"ends: {records:,} records copied")
        return
    decisions = challenges = erasures = 0
    # What is added meanwhile is for the next call, or this one might never end.
    left = shipper.remaining()
    with steps(left) as advance:
        while True:
            copied = shipper.ship()
            left -= copied.records
            advance("records", copied.records)
            decisions, challenges = decisions + copied.decisions, challenges + copied.challenges
            erasures += copied.erasures
            for lost in copied.expired:
                print_line("ship", f"not copied, since retention removed them before: {lost}")
            if left <= 0 or not copied.records:
                break
    print_line("ship", f"{decisions:,} decisions, {challenges:,} challenges, {erasures:,} erasures to {target.name}")


def migrate(database: DatabaseAddress) -> None:
    """Bring the journal's tables in PostgreSQL to this version's revision."""
    target = Database(database)
    before, after = target.migrate()
    done = f"already at revision {after}" if before == after else f"from {before or 'no tables'} to revision {after}"
    print_line("migrate", f"{target.name}: {done}")
