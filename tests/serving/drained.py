"""A process that listens under uvicorn's handler of SIGTERM, and drains: `python -m tests.serving.drained MODE`."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
import time
from types import SimpleNamespace
from typing import Any, cast

from serving.core import Core
from serving.drain import Drain


class Group:
    """Uvicorn's view of a listening socket. It accepts nobody, as if more came than it can take."""

    def __init__(self) -> None:
        self.sockets = [socket.create_server(("127.0.0.1", 0))]

    def close(self) -> None:
        self.sockets[0].close()


class Server:
    """What the drain sees of uvicorn's server."""

    def __init__(self) -> None:
        self.should_exit = False
        self.started = True
        self.servers = [Group()]

    def handle_exit(self, *_: object) -> None:
        self.should_exit = True


async def run(mode: str) -> None:
    server = Server()
    listener = server.servers[0].sockets[0]
    client = socket.create_connection(listener.getsockname())
    signal.signal(signal.SIGTERM, server.handle_exit)
    settings = SimpleNamespace(request_timeout=0.1, client_timeout=0.1)
    core = SimpleNamespace(draining=False, settings=settings)
    parent: Any = os.getppid() if mode == "alone" else None
    Drain(cast("Core", core), 0.0, parent).install()
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    if mode == "shut":
        listener.shutdown(socket.SHUT_RDWR)
    elif mode != "alone":
        os.kill(os.getpid(), signal.SIGTERM)
    while not server.should_exit:  # noqa: ASYNC110  # as uvicorn does
        await asyncio.sleep(0.01)
    if mode == "stuck":
        time.sleep(100_000)  # noqa: ASYNC251  # nothing else is to run
    client.close()


if __name__ == "__main__":
    asyncio.run(run(sys.argv[1]))
