"""Ends on a signal: after the work in hand, or without it if it does not end."""

from __future__ import annotations

import signal
from collections.abc import Callable
from concurrent.futures import Future
from queue import Empty, SimpleQueue
from threading import Thread
from time import monotonic
from typing import Any, TypeVar

PATIENCE = 5.0
"""Seconds that work in hand has after the signal: less than any supervisor gives a process."""

Result = TypeVar("Result")


class UnfinishedError(Exception):
    """The work did not end within the patience after the signal."""


class Stop:
    """Waits for SIGTERM and SIGINT, and for work that must not be cut by them.

    Made in the main thread, which takes the signals.

    Args:
        patience: seconds that work in hand has after the signal.
    """

    def __init__(self, patience: float = PATIENCE) -> None:
        self._patience = patience
        # Of signals (None) and of works that ended. Its put may interrupt its get, as a lock's release may not.
        self._events: SimpleQueue[Future[Any] | None] = SimpleQueue()
        self._asked = False
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda received, _: self._events.put(None))

    def asked(self, seconds: float) -> bool:
        """Wait for so many seconds or the signal, and return whether it has come."""
        if not self._asked:
            try:
                self._events.get(timeout=seconds)
            except Empty:
                return False
            self._asked = True
        return True

    def finish(self, work: Callable[[], Result]) -> Result:
        """Do work in a thread of its own, whatever that waits for, and return its result or raise its exception.

        Raises:
            UnfinishedError: the signal came, and the work did not end in time; it is left to the end of the process.
        """
        done: Future[Result] = Future()

        def run() -> None:
            try:
                done.set_result(work())
            except BaseException as error:  # raised where the result is waited for
                done.set_exception(error)
            self._events.put(done)

        Thread(target=run, daemon=True).start()
        deadline: float | None = None
        while True:
            try:
                event = self._events.get(timeout=None if deadline is None else max(0.0, deadline - monotonic()))
            except Empty:
                raise UnfinishedError from None
            if event is done:
                return done.result()
            self._asked = True
            deadline = deadline or monotonic() + self._patience
