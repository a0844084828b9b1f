"""Let requests of many rows take turns, and refuse at once those that would be late.

Side by side all of them would be late, each half decided. One after the other the first is as fast as alone, and how
long the next one waits is known: by the rows before it, and by the seconds that rows have taken lately.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from time import perf_counter

FOR_DECIDING = 0.75
"""Fraction of a request's time left in which its rows are decided; the rest is for writing the answer."""
_WEIGHT = 0.3
"""How much the newest measurement counts, next to all before it."""
_HALF_LIFE = 10.0
"""Seconds in which a measurement that no other follows loses half of its weight: what was slow may be fast by now, and
only a request that is tried can tell."""


class LateError(RuntimeError):
    """A request would not be answered in time, so nothing of it is begun."""

    def __init__(self, message: str, retry_after: float) -> None:
        super().__init__(message)
        self.retry_after = retry_after
        """Seconds after which it may be sent again."""


class Turns:
    """The turns of one scorer's requests of many rows, in order of arrival.

    Args:
        clock: seconds; deadlines are of the same clock.
    """

    def __init__(self, clock: Callable[[], float] = perf_counter) -> None:
        self._clock = clock
        self._lock = asyncio.Lock()
        self._rows = 0
        self._seconds_per_row = 0.0
        self._measured_at = 0.0

    @asynccontextmanager
    async def turn(self, rows: int, deadline: float, *, begun: bool = False) -> AsyncIterator[Callable[[int], None]]:
        """Wait for the turn of a request, which lasts as long as the block; the block tells of rows that are done.

        Args:
            rows: of the request.
            deadline: the time at which it is given up.
            begun: whether others of its rows are decided; then each further one counts, even if not all are in time.

        Raises:
            LateError: it would not be answered in time.
        """
        needed = 0 if begun else rows
        ahead = self._rows
        if self._is_late(ahead + needed, deadline):
            raise self._late(ahead, rows)
        self._rows += rows
        left = rows

        def done(count: int) -> None:
            nonlocal left
            left -= count
            self._rows -= count

        try:
            try:
                async with asyncio.timeout(self._longest_wait(needed, deadline)):
                    await self._lock.acquire()
            except TimeoutError:
                raise self._late(ahead, rows) from None
            try:
                if self._is_late(needed, deadline):
                    raise self._late(0, rows)
                yield done
            finally:
                self._lock.release()
        finally:
            self._rows -= left

    def measure(self, rows: int, seconds: float) -> None:
        """Take note of how long rows took to be decided."""
        newest, before = seconds / rows, self._pace
        self._seconds_per_row = before + _WEIGHT * (newest - before) if before else newest
        self._measured_at = self._clock()

    @property
    def _pace(self) -> float:
        """Seconds that a row takes, as measured lately; 0 if nothing was."""
        return self._seconds_per_row * math.exp2((self._measured_at - self._clock()) / _HALF_LIFE)

    def _longest_wait(self, rows: int, deadline: float) -> float | None:
        """Return for how many seconds a request may wait and still be in time; None for as long as it likes."""
        left = deadline - self._clock()
        if math.isinf(left):
            return None
        return max(0.0, min(left - rows * self._pace / FOR_DECIDING, left * FOR_DECIDING))

    def _is_late(self, rows: int, deadline: float) -> bool:
        return rows * self._pace > FOR_DECIDING * (deadline - self._clock())

    def _late(self, ahead: int, rows: int) -> LateError:
        if ahead:
            return LateError(
                f"{ahead:,} rows of others come first, and {rows:,} more would not be in time; send them again later",
                ahead * self._pace,
            )
        return LateError(f"{rows:,} rows would not be in time as fast as rows are decided now; send fewer at once", 0)
