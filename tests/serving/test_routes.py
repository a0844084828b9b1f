"""The table of routes: a row is all that a route needs to be answered, refused, documented and counted."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from pydantic import BaseModel

from serving.core import Core
from serving.exchange import JSON, Answer, Exchange
from serving.payloads import Limits
from serving.routes import ROUTES, Body, Route
from tests.serving.conftest import Service
from tests.serving.test_metrics import exposed, growth

pytestmark = pytest.mark.anyio


class Sum(BaseModel):
    """Two numbers to add."""

    first: int
    second: int


class Total(BaseModel):
    """The sum of two numbers."""

    total: int


async def add(core: Core, exchange: Exchange, body: bytes) -> Answer:
    numbers = Sum.model_validate_json(body)
    return Answer(Total(total=numbers.first + numbers.second).model_dump_json().encode())


ADD = Route(
    "/add",
    ("POST",),
    add,
    "Add two numbers",
    bodies={JSON: Body(Sum, "application_bytes", lambda _: {"first": 1, "second": 2})},
    answers={JSON: Total},
)


@pytest.fixture
async def service(make_service: Callable[..., Service]) -> Service:
    return make_service(routes=(*ROUTES, ADD), max_body_bytes=1024)


async def test_a_new_row_is_answered(service: Service) -> None:
    response = await service.client.post("/add", json={"first": 2, "second": 3})
    assert (response.status_code, response.json()) == (200, {"total": 5})
    assert response.headers["content-type"] == "application/json"
    assert response.headers["x-request-id"]


async def test_a_new_row_is_refused_like_any_other(service: Service) -> None:
    method = await service.client.get("/add")
    assert (method.status_code, method.headers["allow"], method.json()["detail"]) == (405, "POST", "/add takes POST")
    media_type = await service.client.post("/add", content=b"1 + 2", headers={"content-type": "text/plain"})
    assert (media_type.status_code, media_type.json()["detail"]) == (415, "the Content-Type must be application/json")
    size = await service.client.post("/add", json={"first": 2, "second": 3, "comment": "x" * 1024})
    assert (size.status_code, size.json()["detail"]) == (413, "the body is larger than 1024 bytes")
    empty = await service.client.post("/add", headers={"content-type": "application/json"})
    assert (empty.status_code, empty.json()["detail"]) == (400, "the body is empty")
    broken = await service.client.post("/add", json={"first": 2})
    assert broken.status_code == 422
    assert broken.json()["errors"] == [{"field": "second", "rule": "missing", "message": "Field required"}]
    for refused in (method, media_type, size, empty, broken):
        assert refused.headers["content-type"] == "application/problem+json"


async def test_a_new_row_is_documented(service: Service) -> None:
    document = (await service.client.get("/docs.json")).json()
    operation = document["paths"]["/add"]["post"]
    assert (operation["summary"], operation["operationId"]) == ("Add two numbers", "add")
    body = operation["requestBody"]["content"]["application/json"]
    assert body == {"schema": {"$ref": "#/components/schemas/Sum"}, "example": {"first": 1, "second": 2}}
    answer = operation["responses"]["200"]["content"]["application/json"]
    assert answer == {"schema": {"$ref": "#/components/schemas/Total"}}
    assert set(operation["responses"]) == {"200", "400", "405", "408", "413", "415", "422", "500", "504"}
    assert set(document["components"]["schemas"]["Sum"]["required"]) == {"first", "second"}


async def test_a_new_row_is_counted_and_logged_under_its_path(service: Service) -> None:
    before = await exposed(service)
    await service.client.post("/add", json={"first": 2, "second": 3})
    after = await exposed(service)
    counted = growth(before, after, "scorebox_http_requests_total")
    assert counted["{method=POST,route=/add,status=200}"] == 1
    assert [line["status"] for line in service.log() if line["route"] == "/add"] == [200]


async def test_what_is_no_row_is_not_found(make_service: Callable[..., Service]) -> None:
    response = await make_service().client.post("/add", json={"first": 2, "second": 3})
    assert response.status_code == 404


@pytest.mark.parametrize("route", [route for route in ROUTES if route.bodies], ids=lambda route: route.path)
async def test_the_limit_of_each_body_is_that_of_its_row(make_service: Callable[..., Service], route: Route) -> None:
    service = make_service(max_body_bytes=1024, max_arrow_bytes=2048)
    limits: dict[str, Any] = Limits.of(service.core.settings).model_dump()
    for media_type, body in route.bodies.items():
        most = limits[body.limit]
        for size, too_large in ((most, False), (most + 1, True)):
            response = await service.client.post(
                route.path, content=b" " * size, headers={"content-type": media_type.decode()}
            )
            assert (response.status_code == 413) == too_large, (media_type, size)


async def test_every_path_has_one_row() -> None:
    assert len({route.path for route in ROUTES}) == len(ROUTES)
