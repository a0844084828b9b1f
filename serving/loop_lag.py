"""How busy the event loop is: how late it gets to what is due.

All of a request but its scoring passes through one event loop. When that cannot keep up, or other threads hold the
interpreter, or the container is out of processor time, whatever is due waits; so this shows all three.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from time import monotonic

EVERY = 0.25
"""Seconds from one look to the next: 1,200 in five minutes, enough for a quantile."""


class LoopLag:
    """Looks again and again, for as long as the loop runs.

    Args:
        observe: told how many seconds late each look was.
    """

    def __init__(self, observe: Callable[[float], None]) -> None:
        self._observe = observe

    def start(self) -> None:
        """Begins, in the loop that runs."""
        self._look_again(asyncio.get_running_loop())

    def _look_again(self, loop: asyncio.AbstractEventLoop) -> None:
        loop.call_later(EVERY, self._look, loop, monotonic() + EVERY)

    def _look(self, loop: asyncio.AbstractEventLoop, due: float) -> None:
        self._observe(max(0.0, monotonic() - due))
        self._look_again(loop)
