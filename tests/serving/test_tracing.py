"""Request ids, trace ids, the access log: a request can be found again, and the applicant cannot."""

from __future__ import annotations

import json
from typing import Any

import pytest
from inline_snapshot import snapshot

from tests.serving.conftest import Service

pytestmark = pytest.mark.anyio

TRACE = "0af7651916cd43dd8448eb211c80319c"
PARENT = f"00-{TRACE}-b7ad6b7169203331-01"


async def test_a_request_id_is_taken_over_returned_and_logged(service: Service, example: dict[str, Any]) -> None:
    headers = {"X-Request-ID": "order-77/a.b:c", "traceparent": PARENT}
    response = await service.client.post("/predict", json=example, headers=headers)
    assert response.headers["x-request-id"] == "order-77/a.b:c"
    assert response.headers["traceparent"] == PARENT
    (line,) = service.log()
    assert line.pop("time").endswith("Z")
    assert line.pop("duration_ms") > 0
    assert line.pop("decision_id") == response.json()["decision_id"]
    assert line == snapshot(
        {
            "level": "INFO",
            "logger": "scorebox.access",
            "method": "POST",
            "route": "/predict",
            "status": 200,
            "rows": 1,
            "request_id": "order-77/a.b:c",
            "trace_id": "0af7651916cd43dd8448eb211c80319c",
        }
    )


@pytest.mark.parametrize("given", ["", "a b", "x" * 129, "a\tb", 'a"b', "a{b}", "ä".encode().decode("latin-1")])
async def test_an_unusual_request_id_is_replaced(service: Service, given: str) -> None:
    response = await service.client.get("/health", headers={b"X-Request-ID": given.encode("latin-1")})
    assert len(response.headers["x-request-id"]) == 36
    assert service.log()[0]["request_id"] == response.headers["x-request-id"]


@pytest.mark.parametrize(
    "given",
    ["", "00", f"01-{TRACE}-b7ad6b7169203331-01", f"00-{'0' * 32}-b7ad6b7169203331-01",
     f"00-{TRACE}-{'0' * 16}-01", f"00-{TRACE.upper()}-b7ad6b7169203331-01", f"{PARENT}-x"],
)  # fmt: skip
async def test_a_trace_that_is_none_is_ignored(service: Service, given: str) -> None:
    response = await service.client.get("/health", headers={"traceparent": given})
    assert "traceparent" not in response.headers
    assert "trace_id" not in service.log()[0]


async def test_every_answer_has_a_request_id(service: Service) -> None:
    answers = [
        await service.client.get("/health"),
        await service.client.get("/nothing"),
        await service.client.get("/predict"),
        await service.client.post("/predict", content=b"{}"),
        await service.client.post("/predict", json={}),
        await service.client.get("/livez"),
        await service.client.get("/metrics"),
    ]
    assert [answer.status_code for answer in answers] == [200, 404, 405, 415, 422, 200, 200]
    ids = [answer.headers["x-request-id"] for answer in answers]
    assert len(set(ids)) == len(ids)
    assert [line["request_id"] for line in service.log()] == ids


async def test_a_line_names_the_route_and_never_the_path_or_the_query(service: Service) -> None:
    await service.client.get("/applicants/A123456789?income=987123")
    await service.client.get("/health?name=Ada")
    lines = service.log()
    assert [line["route"] for line in lines] == ["unknown", "/health"]
    assert not any(secret in json.dumps(lines) for secret in ("A123456789", "987123", "Ada"))


async def test_a_batch_is_logged_with_its_rows(service: Service, example: dict[str, Any]) -> None:
    await service.client.post("/predict_batch", json={"applications": [example, {}, example]})
    (line,) = service.log()
    assert line["rows"] == 3
    assert "decision_id" not in line


async def test_what_decides_nothing_is_logged_without_a_decision_id(service: Service, example: dict[str, Any]) -> None:
    await service.client.post("/predict", json=example | {"PAY_0": 99})
    await service.client.post("/explain", json=example)
    assert not any("decision_id" in line for line in service.log())
