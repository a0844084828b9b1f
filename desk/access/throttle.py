"""Slow down those who guess: after some failed logins each further one has to wait, twice as long as the one before."""

from __future__ import annotations

from datetime import datetime, timedelta

WINDOW = timedelta(hours=1)
"""Failed logins count for so long."""
FREE_OF_LOGIN = 5
"""Failed logins of one account that nobody has to wait for."""
FREE_OF_ADDRESS = 50
"""The same of one address, behind which an office may be."""
LONGEST_WAIT = timedelta(minutes=5)
"""An account stays closed for so long at most: whoever knows a login could lock its owner out for longer else."""


def wait_left(failed: int, last: datetime | None, free: int, at: datetime) -> timedelta:
    """Return how long the next login has to wait: a second after the first that is not free, then two, four, ...

    Args:
        failed: logins that failed within the window.
        last: when the last of them did.
        free: how many of them do not count.
        at: the present moment.
    """
    if last is None or failed < free:
        return timedelta()
    # Beyond 2^20 seconds the longest wait holds anyway.
    wait = min(timedelta(seconds=2 ** min(failed - free, 20)), LONGEST_WAIT)
    return max(last + wait - at, timedelta())
