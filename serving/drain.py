"""End without losing a request: SIGTERM, then not ready, then no more connections, then the end.

Uvicorn on its own stops at once, so a load balancer would still be sending; and because BentoML's
parent process keeps the listening socket open, what it sends would hang until that process ends.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import threading
import time
from typing import Any

from serving.core import Core
from serving.listening import ListeningSockets

logger = logging.getLogger("bentoml.scorebox")

LAST_SECONDS = 3.0
"""The time to end in, after the longest request and the slowest client."""
_ACCEPT_SECONDS = 1.0
"""How long connections that wait are accepted, once listening has ended."""
_ACCEPT_STEP = 0.002
_WATCH_SECONDS = 0.5
_LOG_SECONDS = 0.5
"""How long the last line of the log has to be written."""


class Drain:
    """Takes SIGTERM over from the uvicorn server that runs this process, and ends it where nothing is left to do.

    From SIGTERM on the service answers but is not ready, and closes each connection with its
    answer. After `seconds` the listening socket is closed for all processes that share it, so
    that new connections are refused instead of hanging, and uvicorn finishes what was accepted.
    A process that has not ended when no request and no client has time left is ended.

    Args:
        core: is told that it drains.
        seconds: between SIGTERM and the end of listening.
        parent: the process whose end is this one's too; None for one that stands alone.
    """

    def __init__(self, core: Core, seconds: float, parent: int | None = None) -> None:
        self._core = core
        self._seconds = seconds
        self._parent = parent
        self._ending = False

    def install(self) -> None:
        """Handle SIGTERM from now on; do nothing where no uvicorn server handles it."""
        server = getattr(signal.getsignal(signal.SIGTERM), "__self__", None)
        if server is None or not hasattr(server, "should_exit"):
            return
        loop = asyncio.get_running_loop()
        signal.signal(signal.SIGTERM, lambda *_: loop.call_soon_threadsafe(self._begin, loop, server, "SIGTERM"))
        loop.call_later(_WATCH_SECONDS, self._watch, loop, server, None)

    def _watch(self, loop: asyncio.AbstractEventLoop, server: Any, listening: ListeningSockets | None) -> None:
        """Begin to end when the parent has gone, or when nobody can come any more."""
        if self._ending:
            if listening is not None:
                listening.close()
            return
        # Uvicorn listens only after the hook that installs this.
        if listening is None and getattr(server, "started", False):
            listening = ListeningSockets(_descriptors(server))
            listening.take_again()
        if self._parent is not None and os.getppid() != self._parent and not self._core.draining:
            self._begin(loop, server, "the parent process has gone")
        if listening is not None and not listening.listen:
            logger.warning("another process has shut the listening socket: nobody can come any more")
            self._core.draining = True
            self._end(loop, server)
        loop.call_later(_WATCH_SECONDS, self._watch, loop, server, listening)

    def _begin(self, loop: asyncio.AbstractEventLoop, server: Any, why: str) -> None:
        if self._core.draining:
            self._end(loop, server)
            return
        self._core.draining = True
        logger.info("%s: not ready from now on, listening for %g s more", why, self._seconds)
        self._end_after(self._seconds)
        loop.call_later(self._seconds, self._end, loop, server)

    def _end(self, loop: asyncio.AbstractEventLoop, server: Any) -> None:
        if self._ending or server.should_exit:
            return
        self._ending = True
        self._end_after(0.0)
        listening = ListeningSockets(_descriptors(server))
        listening.take_no_more()
        self._accept_last(loop, server, listening, loop.time() + _ACCEPT_SECONDS)

    def _accept_last(
        self, loop: asyncio.AbstractEventLoop, server: Any, listening: ListeningSockets, deadline: float
    ) -> None:
        """Let the loop accept the connections that wait, then end."""
        if listening.somebody_waits and loop.time() < deadline:
            loop.call_later(_ACCEPT_STEP, self._accept_last, loop, server, listening, deadline)
            return
        for group in server.servers:
            # A loop that still read from a socket that is shut would do nothing else.
            group.close()
        listening.shut()
        listening.close()
        # Setting the flag instead of calling uvicorn's handler: that one would raise the signal
        # again at the end, and the process would die by it instead of exiting with 0.
        server.should_exit = True

    def _end_after(self, seconds: float) -> None:
        """End the process when no request and no client has time left, whatever holds it up."""
        settings = self._core.settings
        left = seconds + settings.request_timeout + settings.client_timeout + LAST_SECONDS
        timer = threading.Timer(left, _give_up)
        timer.daemon = True
        timer.start()


def _give_up() -> None:
    logger.error("the process has not ended in the time that it was given, and is ended; answered decisions are kept")
    time.sleep(_LOG_SECONDS)
    os._exit(1)


def _descriptors(server: Any) -> list[int]:
    return [listener.fileno() for group in server.servers for listener in group.sockets]
