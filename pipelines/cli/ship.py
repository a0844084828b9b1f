"""The copy of the journal in PostgreSQL."""

from __future__ import annotations

import signal
from collections.abc import Callable
from queue import Empty, SimpleQueue
from typing import Annotated

import typer

from pipelines.cli.console import ScorecardName, say, steps
from pipelines.cli.journal import JournalFolder, journal_app, journal_folder

DatabaseAddress = Annotated[
    str,
    typer.Option(
        "--database", envvar="SCOREBOX_DATABASE", show_envvar=True, help="postgresql://user:password@host/name"
    ),
]


@journal_app.command()
def ship(
    scorecard: ScorecardName,
    database: DatabaseAddress,
    journal: JournalFolder = None,
    follow: Annotated[
        bool, typer.Option("--follow", help="Go on until SIGTERM, also while PostgreSQL is away.")
    ] = False,
) -> None:
    """Copy to PostgreSQL what of the journal is not there yet."""
    from pipelines.journal.shipping.database import Database
    from pipelines.journal.shipping.follow import follow as go_on
    from pipelines.journal.shipping.shipper import Shipper

    folder, target = journal_folder(scorecard, journal), Database(database)
    shipper = Shipper(folder, target)
    if follow:
        say("ship", f"{folder} to {target.name}, until SIGTERM")
        records = go_on(shipper.ship, _stopped(), lambda line: say("ship", line))
        say("ship", f"ends: {records:,} records copied")
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
            for what in copied.expired:
                say("ship", f"not copied, since retention removed them before: {what}")
            if left <= 0 or not copied.records:
                break
    say("ship", f"{decisions:,} decisions, {challenges:,} challenges, {erasures:,} erasures to {target.name}")


@journal_app.command()
def migrate(database: DatabaseAddress) -> None:
    """Bring the journal's tables in PostgreSQL to this version's revision."""
    from pipelines.journal.shipping.database import Database

    target = Database(database)
    before, after = target.migrate()
    what = f"already at revision {after}" if before == after else f"from {before or 'no tables'} to revision {after}"
    say("migrate", f"{target.name}: {what}")


def _stopped() -> Callable[[float], bool]:
    """Waits for so many seconds, or for SIGTERM or SIGINT, and says whether one came: the transaction is finished."""
    # Its put may interrupt its get, as a lock's release may not.
    signals: SimpleQueue[int] = SimpleQueue()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda received, _: signals.put(received))

    def stopped(seconds: float) -> bool:
        try:
            signals.get(timeout=seconds)
        except Empty:
            return False
        return True

    return stopped
