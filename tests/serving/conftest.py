"""A service in this process, without a socket and without a model store."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

import httpx
import orjson
import pytest

from scoring.journal.writer import Journal
from scoring.models import Release
from scoring.policy import CutoffPolicy
from serving import openapi
from serving.access_log import AccessLog
from serving.core import Core
from serving.dialects.routes import dialect_routes
from serving.exchange import Receive, Scope, Send
from serving.face import Face
from serving.log_writer import LogWriter
from serving.routes import EVERY_ROUTE, UNKNOWN, Route
from serving.settings import Settings
from serving.startup import LoadedModel, StartupConfig
from tests.serving.toy import COLUMNS, SCORECARD, VERSION, stored
from tests.waiting import LONGEST_WAIT


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def example() -> dict[str, Any]:
    return dict(SCORECARD.example)


def startup_config(columns: list[str] = COLUMNS, journal: Journal | None = None, **settings: Any) -> StartupConfig:
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
    """A face over a core, reached by httpx without a socket; `bentoml_app` stands for BentoML's application."""

    def __init__(
        self,
        config: StartupConfig | None = None,
        load: Callable[[], StartupConfig] | None = None,
        *,
        routes: Sequence[Route] = EVERY_ROUTE,
        **settings: Any,
    ) -> None:
        self.core = Core(config or startup_config(**settings), load)
        self.lines = io.BytesIO()
        self.passed_on: list[str] = []
        self.bentoml_status = 200
        self.writer = LogWriter(self.lines.write, self.core.metrics.count_dropped_lines)
        self.access_log = AccessLog(self.writer)
        every_route = (*routes, *dialect_routes(self.core))
        self.face = Face(self.bentoml_app, self.core, every_route, self.access_log)
        self.routes = {route.path: route for route in every_route}
        self.core.openapi = lambda: openapi.document(routes, self.core, {"paths": {}}, "")
        transport = httpx.ASGITransport(app=self.face, raise_app_exceptions=False)
        self.client = httpx.AsyncClient(
            transport=transport, base_url="http://scorebox", event_hooks={"response": [self.is_declared]}
        )

    async def is_declared(self, response: httpx.Response) -> None:
        """Fails where a route answers with a status, or a type, that the table does not say."""
        path = response.request.url.path
        route = self.routes.get(path, UNKNOWN)
        if response.request.method == "OPTIONS":
            return
        if response.status_code == 200:
            media_type = response.headers["content-type"].partition(";")[0].encode()
            assert media_type in route.answers or not route.documented, (path, media_type)
        elif route is not UNKNOWN:
            assert response.status_code in route.refused, (path, response.status_code)

    async def bentoml_app(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.passed_on.append(scope["path"])
        headers = [(b"content-type", b"text/plain")]
        await send({"type": "http.response.start", "status": self.bentoml_status, "headers": headers})
        await send({"type": "http.response.body", "body": b"from BentoML"})

    def log(self) -> list[dict[str, Any]]:
        assert self.writer.flush(LONGEST_WAIT)
        return [orjson.loads(line) for line in self.lines.getvalue().splitlines()]


@pytest.fixture
async def make_service() -> AsyncIterator[Callable[..., Service]]:
    made: list[Service] = []

    def make(
        config: StartupConfig | None = None, load: Callable[[], StartupConfig] | None = None, **settings: Any
    ) -> Service:
        made.append(Service(config, load, **settings))
        return made[-1]

    yield make
    for service in made:
        await service.client.aclose()
        await service.core.close()
        service.writer.close()


@pytest.fixture
async def service(make_service: Callable[..., Service]) -> Service:
    return make_service()
