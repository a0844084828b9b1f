"""End without losing a request: SIGTERM, then not ready, then no more connections, then the end.

Uvicorn on its own stops at once, so a load balancer would still be sending; and because BentoML's
parent process keeps the listening socket open, what it sends would hang until that process ends.
"""

from __future__ import annotations

import asyncio
import logging
import select
import signal
import socket
from typing import Any

from serving.core import Core

logger = logging.getLogger("bentoml.scorebox")


class Drain:
    """Takes SIGTERM over from the uvicorn server that runs this process.

    From SIGTERM on the service answers but is not ready, and closes each connection with its
    answer. After `seconds` the listening socket is closed for all processes that share it, so
    that new connections are refused instead of hanging, and uvicorn finishes what was accepted.
    """

    def __init__(self, core: Core, seconds: float) -> None:
        self._core = core
        self._seconds = seconds

    def install(self) -> None:
        """Handle SIGTERM from now on; do nothing where no uvicorn server handles it."""
        server = getattr(signal.getsignal(signal.SIGTERM), "__self__", None)
        if server is None or not hasattr(server, "should_exit"):
            return
        loop = asyncio.get_running_loop()

        signal.signal(signal.SIGTERM, lambda *_: loop.call_soon_threadsafe(self._begin, loop, server))

    def _begin(self, loop: asyncio.AbstractEventLoop, server: Any) -> None:
        if self._core.draining:
            self._end(loop, server)
            return
        self._core.draining = True
        logger.info("SIGTERM: not ready from now on, listening for %g s more", self._seconds)
        loop.call_later(self._seconds, self._end, loop, server)

    def _end(self, loop: asyncio.AbstractEventLoop, server: Any) -> None:
        if server.should_exit:
            return
        listening = [listener.fileno() for group in server.servers for listener in group.sockets]
        if select.select(listening, [], [], 0)[0]:
            # Connections wait to be accepted, which the loop does before it comes back here.
            loop.call_soon(self._end, loop, server)
            return
        for number in listening:
            with socket.socket(fileno=socket.dup(number)) as shared:
                shared.shutdown(socket.SHUT_RDWR)
        # Setting the flag instead of calling uvicorn's handler: that one would raise the signal
        # again at the end, and the process would die by it instead of exiting with 0.
        server.should_exit = True
