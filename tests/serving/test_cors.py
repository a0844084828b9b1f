"""Pages of other origins may ask where the operator lists them, and nowhere else."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from serving.routes import EVERY_ROUTE
from serving.settings import SettingsError, read_settings
from tests.serving.conftest import Service

pytestmark = pytest.mark.anyio

DESK = "https://desk.example"
OTHER = "https://desk.example.other.example"


@pytest.fixture
def open_to_desk(make_service: Callable[..., Service]) -> Service:
    return make_service(cors_origins=(DESK, "http://127.0.0.1:8080"))


def granted(response: httpx.Response) -> dict[str, str]:
    return {name: value for name, value in response.headers.items() if name.startswith("access-control-")}


async def preflight(service: Service, path: str, origin: str = DESK, method: str = "POST") -> httpx.Response:
    asked = {
        "origin": origin,
        "access-control-request-method": method,
        "access-control-request-headers": "content-type,idempotency-key",
    }
    return await service.client.options(path, headers=asked)


async def test_by_default_no_answer_says_a_word_of_origins(service: Service, example: dict[str, Any]) -> None:
    decided = await service.client.post("/predict", json=example, headers={"origin": DESK})
    asked = await preflight(service, "/predict")
    assert (decided.status_code, asked.status_code, asked.headers["allow"]) == (200, 405, "POST")
    for response in (decided, asked):
        assert granted(response) == {}
        assert "vary" not in response.headers


@pytest.mark.parametrize("route", EVERY_ROUTE, ids=lambda route: route.path)
async def test_a_preflight_of_a_listed_origin_learns_methods_and_headers_of_any_route(
    open_to_desk: Service, route: Any
) -> None:
    response = await preflight(open_to_desk, route.path)
    assert (response.status_code, response.content, response.headers["vary"]) == (200, b"", "Origin")
    assert response.headers["x-request-id"]
    assert granted(response) == {
        "access-control-allow-origin": DESK,
        "access-control-allow-methods": ", ".join(route.methods),
        "access-control-allow-headers": "Content-Type, Content-Encoding, X-Request-ID, traceparent, Idempotency-Key, "
        "Applicant-ID",
        "access-control-expose-headers": "X-Request-ID, traceparent, Retry-After",
        "access-control-max-age": "7200",
    }
    assert open_to_desk.passed_on == []
    assert open_to_desk.log()[-1]["method"] == "OPTIONS"


async def test_every_answer_to_a_listed_origin_may_be_read_errors_too(
    open_to_desk: Service, example: dict[str, Any]
) -> None:
    origin = {"origin": DESK}
    client = open_to_desk.client
    responses = [
        await client.post("/predict", json=example, headers=origin),
        await client.post("/predict", json={}, headers=origin),
        await client.post("/predict", content=b"x", headers=origin),
        await client.get("/predict", headers=origin),
        await client.get("/nothing", headers=origin),
        await client.get("/readyz", headers=origin),
        await client.post("/reload", headers=origin),
    ]
    assert [response.status_code for response in responses] == [200, 422, 415, 405, 404, 200, 401]
    open_to_desk.core.draining = True
    responses.append(await client.get("/health", headers=origin))
    assert (responses[-1].status_code, responses[-1].headers["connection"]) == (503, "close")
    for response in responses:
        assert granted(response) == {
            "access-control-allow-origin": DESK,
            "access-control-expose-headers": "X-Request-ID, traceparent, Retry-After",
        }
        assert response.headers["vary"] == "Origin"


@pytest.mark.parametrize("origin", [OTHER, "http://desk.example", "https://desk.example:8443", "null", "*", ""])
async def test_another_origin_is_granted_nothing(open_to_desk: Service, example: dict[str, Any], origin: str) -> None:
    decided = await open_to_desk.client.post("/predict", json=example, headers={"origin": origin})
    asked = await preflight(open_to_desk, "/predict", origin)
    assert (decided.status_code, asked.status_code) == (200, 405)
    for response in (decided, asked):
        assert granted(response) == {}
        assert response.headers["vary"] == "Origin"


async def test_a_preflight_of_no_route_is_not_found(open_to_desk: Service) -> None:
    response = await preflight(open_to_desk, "/nothing")
    assert response.status_code == 404
    assert "access-control-allow-methods" not in response.headers


async def test_a_plain_options_is_a_method_that_the_path_does_not_take(open_to_desk: Service) -> None:
    assert (await open_to_desk.client.options("/predict", headers={"origin": DESK})).status_code == 405


@pytest.mark.parametrize(
    ("text", "origins"),
    [
        ("https://desk.example", ("https://desk.example",)),
        (" https://desk.example , http://127.0.0.1:8080,", ("https://desk.example", "http://127.0.0.1:8080")),
        ('["https://desk.example", "http://[::1]:8080"]', ("https://desk.example", "http://[::1]:8080")),
        ("HTTPS://Desk.Example:443", ("https://desk.example",)),
        ("", ()),
    ],
)
def test_origins_are_a_list_in_the_form_that_browsers_send(
    monkeypatch: pytest.MonkeyPatch, text: str, origins: tuple[str, ...]
) -> None:
    monkeypatch.setenv("SCOREBOX_CORS_ORIGINS", text)
    assert read_settings().cors_origins == origins


FORM = "is no origin: scheme, host and port only, such as https://desk.example or http://127.0.0.1:8080"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("*", f"'*' {FORM}; there is no wildcard, list every origin"),
        ("https://*.desk.example", f"'https://*.desk.example' {FORM}; there is no wildcard, list every origin"),
        ("https://desk.example/", f"'https://desk.example/' {FORM}"),
        ("desk.example", f"'desk.example' {FORM}"),
        ("null", f"'null' {FORM}"),
        ("https://desk.example:0", f"'https://desk.example:0' {FORM}"),
        ("https://desk.example:65536", f"'https://desk.example:65536' {FORM}"),
        ("https://user@desk.example", f"'https://user@desk.example' {FORM}"),
        ("https://desk.example https://b.example", f"'https://desk.example https://b.example' {FORM}"),
        ('["https://desk.example"', "begins with [ but is no JSON list"),
        ("[1]", "Input should be a valid string"),
    ],
)
def test_what_is_no_origin_ends_the_start_with_one_line(
    monkeypatch: pytest.MonkeyPatch, text: str, message: str
) -> None:
    monkeypatch.setenv("SCOREBOX_CORS_ORIGINS", text)
    with pytest.raises(SettingsError) as raised:
        read_settings()
    assert str(raised.value) == f"SCOREBOX_CORS_ORIGINS: {message}"
