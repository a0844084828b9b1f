"""Goes on copying until it is told to stop."""

from __future__ import annotations

from collections.abc import Callable

from pipelines.journal.shipping.database import AwayError
from pipelines.journal.shipping.shipper import Copied
from pipelines.journal.shipping.stopping import Stop, UnfinishedError
from scoring.journal.schema import JournalError

POLL = 1.0
"""Seconds between looks at a journal of which all has been copied."""
LONGEST = 30.0
"""Seconds between attempts, at most."""


def follow(ship: Callable[[], Copied], stop: Stop, tell: Callable[[str], None]) -> int:
    """Copy records as they come; wait while the journal or PostgreSQL is away, and report that once.

    Args:
        ship: one transaction.
        stop: says when to end; a transaction that does not end then is given up, and PostgreSQL takes it back.
        tell: is told of each change, a line each.

    Returns:
        How many records were copied.

    Raises:
        StageError: what waiting does not mend; see `Shipper.ship`.
    """
    records, pause, waiting = 0, 0.0, False
    while not stop.asked(pause):
        try:
            copied = stop.finish(ship)
        except UnfinishedError:
            tell("does not wait for a transaction that does not end; the next shipper copies its records")
            break
        except (AwayError, JournalError) as error:
            if not waiting:
                tell(f"waits: {error}")
            # From a tenth of a second, doubled.
            waiting, pause = True, min(max(2 * pause, POLL / 10) if waiting else POLL / 10, LONGEST)
            continue
        if waiting:
            tell("goes on")
        for what in copied.expired:
            tell(f"not copied, since retention removed them before: {what}")
        records += copied.records
        waiting, pause = False, 0.0 if copied.full else POLL
    return records
