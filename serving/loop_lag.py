"""Measure how busy the event loop is: by how much a timer fires late.

All of a request but its scoring passes through one event loop. When the loop cannot keep up, or other threads hold the
interpreter, or the container is out of processor time, timers fire late; the lag shows all three.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from time import monotonic

EVERY = 0.25
"""Seconds from one measurement to the next: 1,200 in five minutes, enough for a quantile."""


class LoopLag:
    """Measures again and again, for as long as the loop runs.

    Args:
        observe: told by how many seconds each measurement was late.
    """

    def __init__(self, observe: Callable[[float], None]) -> None:
        self._observe = observe

    def start(self) -> None:
        """Start measuring the running loop."""
        self._schedule(asyncio.get_running_loop())

    def _schedule(self, loop: asyncio.AbstractEventLoop) -> None:
        loop.call_later(EVERY, self._measure, loop, monotonic() + EVERY)

    def _measure(self, loop: asyncio.AbstractEventLoop, due: float) -> None:
        self._observe(max(0.0, monotonic() - due))
        self._schedule(loop)
