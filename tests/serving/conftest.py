"""A service in this process, without a socket and without a model store."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
import orjson
import pytest

from scoring.journal.writer import Journal
from scoring.models import Release
from scoring.policy import CutoffPolicy
from serving.access_log import AccessLog
from serving.core import Core
from serving.exchange import Receive, Scope, Send
from serving.face import Face
from serving.settings import Settings
from serving.startup import LoadedModel, StartupConfig
from tests.serving.toy import COLUMNS, SCORECARD, VERSION, stored


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def example() -> dict[str, Any]:
    return dict(SCORECARD.example)


def parts(columns: list[str] = COLUMNS, journal: Journal | None = None, **settings: Any) -> StartupConfig:
    model = stored(columns)
    # A busy machine is no reason to refuse a request.
    patient = {"request_timeout": 60, "max_wait": 60}
    return StartupConfig(
        settings=Settings(**(patient | settings)),
        scorecard=SCORECARD,
        release=Release(scorecard=SCORECARD.name, version=VERSION, serving="fp32", tags={"fp32": model.record.tag}),
        champion=LoadedModel(model),
        policy=CutoffPolicy.of(SCORECARD),
        journal=journal,
    )


class Service:
    """A face over a core, reached by httpx without a socket; `beyond` is what it passes on to."""

    def __init__(
        self, made: StartupConfig | None = None, find: Callable[[], StartupConfig] | None = None, **settings: Any
    ) -> None:
        self.core = Core(made or parts(**settings), find)
        self.lines = io.BytesIO()
        self.passed_on: list[str] = []
        self.beyond_status = 200
        self.access_log = AccessLog(self.lines)
        self.face = Face(self.beyond, self.core, lambda: b"{}", self.access_log)
        transport = httpx.ASGITransport(app=self.face, raise_app_exceptions=False)
        self.client = httpx.AsyncClient(transport=transport, base_url="http://scorebox")

    async def beyond(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.passed_on.append(scope["path"])
        headers = [(b"content-type", b"text/plain")]
        await send({"type": "http.response.start", "status": self.beyond_status, "headers": headers})
        await send({"type": "http.response.body", "body": b"from beyond"})

    def log(self) -> list[dict[str, Any]]:
        self.access_log.flush()
        return [orjson.loads(line) for line in self.lines.getvalue().splitlines()]


@pytest.fixture
async def make_service() -> AsyncIterator[Callable[..., Service]]:
    made: list[Service] = []

    def make(
        of: StartupConfig | None = None, find: Callable[[], StartupConfig] | None = None, **settings: Any
    ) -> Service:
        made.append(Service(of, find, **settings))
        return made[-1]

    yield make
    for service in made:
        await service.client.aclose()
        await service.core.close()


@pytest.fixture
async def service(make_service: Callable[..., Service]) -> Service:
    return make_service()
