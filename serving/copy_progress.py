"""How far the journal has been copied, as the metrics show it: numbers from the first moment, also without a copy."""

from __future__ import annotations

from time import monotonic
from typing import NamedTuple

from scoring.journal.schema import JournalError
from scoring.journal.shipped import Shipped
from scoring.journal.writer import Journal


class Progress(NamedTuple):
    """A journal and its copy."""

    last: int
    """Sequence of the newest decision of the journal."""
    shipped: int
    """Sequence of the newest decision of the copy."""
    lag: float
    """Seconds since the oldest record was made that the copy lacks."""
    expected: bool
    """Whether somebody waits for the copy."""


NOTHING = Progress(last=0, shipped=0, lag=0.0, expected=False)
"""Where no journal is kept."""


class CopyProgress:
    """Reads how far a journal has been copied.

    Args:
        journal: the server's, None if it keeps none.
        expected: whether a shipper is to copy it, also if none has left its position yet.
    """

    def __init__(self, journal: Journal | None, expected: bool) -> None:
        self._journal = journal
        self._expected = expected
        self._known = NOTHING._replace(expected=expected)
        self._known_at = monotonic()

    def read(self) -> Progress:
        """Return the progress now; while the journal cannot be read nothing has been copied since it could."""
        journal = self._journal
        if journal is None:
            return NOTHING
        try:
            copy = Shipped.read(journal.folder)
            position = copy or Shipped()
            lag = position.lag(journal.folder)
        except JournalError:
            # The other metrics matter most when the disk of the journal fails.
            known = self._known
            return known._replace(last=journal.last_sequence, lag=known.lag + monotonic() - self._known_at)
        expected = self._expected or copy is not None
        self._known = Progress(journal.last_sequence, position.decisions, lag, expected)
        self._known_at = monotonic()
        return self._known
