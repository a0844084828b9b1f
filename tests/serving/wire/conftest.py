"""The face behind the wire: real sockets, both event loops, one server for each module."""

from __future__ import annotations

import asyncio
import json
import logging
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import pytest
import uvicorn

from serving.wire.install import protocol_class
from serving.wire.limits import WireLimits
from serving.wire.records import WireRecords
from tests.serving.conftest import Service
from tests.serving.toy import SCORECARD
from tests.waiting import LONGEST_WAIT, until

LOOPS = ("uvloop", "asyncio")


class WireServer:
    """A uvicorn server in a thread of this process.

    Attributes:
        service: what it serves.
        port: where, on loopback.
    """

    def __init__(self, service: Service, server: uvicorn.Server, listening: socket.socket) -> None:
        self.service = service
        self.port: int = listening.getsockname()[1]
        self._server = server
        self._thread = threading.Thread(target=self._run, args=(listening,))
        self._thread.start()
        until(lambda: server.started)

    def _run(self, listening: socket.socket) -> None:
        async def serve() -> None:
            self._loop = asyncio.get_running_loop()
            await self._server.serve([listening])
            await self.service.core.close()

        with asyncio.Runner(loop_factory=self._server.config.get_loop_factory()) as runner:
            runner.run(serve())

    def stop(self) -> None:
        """Do what SIGTERM does at the end of the drain, and wait for the end."""
        self._server.should_exit = True
        self._thread.join(LONGEST_WAIT)
        assert not self._thread.is_alive()

    def ping(self) -> None:
        """Return when the event loop has come round, and has seen what was sent before."""
        asyncio.run_coroutine_threadsafe(asyncio.sleep(0.01), self._loop).result()

    def answered(self) -> list[str]:
        """Return the routes that were answered, in order."""
        self.ping()
        return [line["route"] for line in self.service.log() if "route" in line]

    def line(self, request_id: str) -> dict[str, Any]:
        """Return the line of the access log about a request, once it is there."""
        until(lambda: bool(self._lines(request_id)))
        (line,) = self._lines(request_id)
        return line

    def _lines(self, request_id: str) -> list[dict[str, Any]]:
        return [line for line in self.service.log() if line["request_id"] == request_id]


@contextmanager
def serving(loop: str, **settings: Any) -> Iterator[WireServer]:
    """A server on this kind of event loop."""
    service = Service(**settings)
    service.core.openapi = cache(service.core.openapi)
    given = service.core.settings
    limits = WireLimits(given.client_timeout, given.keep_alive)
    protocol = protocol_class(limits, WireRecords(service.core.metrics, service.access_log))
    config = uvicorn.Config(
        service.face, loop=loop, http=protocol, lifespan="off", log_config=None, server_header=False
    )
    with errors_of("asyncio", "uvicorn.error") as errors:
        server = WireServer(service, uvicorn.Server(config), socket.create_server(("127.0.0.1", 0)))
        try:
            yield server
        finally:
            server.stop()
            service.writer.close()
    assert errors == []


@contextmanager
def errors_of(*loggers: str) -> Iterator[list[str]]:
    """Collect what these loggers say of errors: nothing that a client sends makes one."""
    lines: list[str] = []
    collector = logging.Handler(logging.WARNING)
    collector.emit = lambda record: lines.append(collector.format(record))  # type: ignore[method-assign]
    for name in loggers:
        logging.getLogger(name).addHandler(collector)
    yield lines
    for name in loggers:
        logging.getLogger(name).removeHandler(collector)


@pytest.fixture(scope="module", params=LOOPS)
def wire(request: pytest.FixtureRequest) -> Iterator[WireServer]:
    with serving(request.param, client_timeout=60) as server:
        yield server


@pytest.fixture(scope="module")
def body() -> bytes:
    """A good application."""
    return json.dumps(SCORECARD.example).encode()
