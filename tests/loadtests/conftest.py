"""Fixtures: a model store with a toy model, and a server that answers as it is told."""

from __future__ import annotations

import shutil
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from scoring import scorecards
from scoring.scorecard import Scorecard


@pytest.fixture(scope="session")
def home(toy_store: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A BENTOML_HOME with a toy model in its store; its release is release.json."""
    return Path(shutil.copytree(toy_store, tmp_path_factory.mktemp("bentoml") / "home"))


@pytest.fixture(params=scorecards.names())
def scorecard(request: pytest.FixtureRequest) -> Scorecard:
    """Each registered scorecard in turn."""
    return scorecards.load(request.param)


Answer = Callable[[socket.socket], None]


class Stub:
    """Reads requests and lets a function write the answers, byte by byte if it likes."""

    def __init__(self, answer: Answer) -> None:
        self._answer = answer
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.requests: list[bytes] = []
        self._thread = threading.Thread(target=self._accept)
        self._thread.start()

    def _accept(self) -> None:
        threads = []
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                break
            threads.append(threading.Thread(target=self._serve, args=(connection,)))
            threads[-1].start()
        for thread in threads:
            thread.join()

    def _serve(self, connection: socket.socket) -> None:
        with connection:
            try:
                while request := connection.recv(1 << 16):
                    self.requests.append(request)
                    self._answer(connection)
            except OSError:
                pass

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join()


@pytest.fixture
def make_stub() -> Iterator[Callable[[Answer], Stub]]:
    made: list[Stub] = []

    def make(answer: Answer) -> Stub:
        made.append(Stub(answer))
        return made[-1]

    yield make
    for stub in made:
        stub.close()
