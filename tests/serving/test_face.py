"""The face's answers, whole payloads at a time."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Any

import orjson
import pytest
from inline_snapshot import snapshot
from prometheus_client import REGISTRY

from serving.exchange import Message, Scope
from tests.serving.conftest import Service

pytestmark = pytest.mark.anyio

MADE_UP_HERE = ("decision_id", "decided_at")


def settled(decision: dict[str, Any]) -> dict[str, Any]:
    """A decision without what differs from one to the next."""
    assert all(decision.pop(name) for name in MADE_UP_HERE)
    return decision


async def test_one_application_gets_its_decision(service: Service, example: dict[str, Any]) -> None:
    response = await service.client.post("/predict", json=example)
    assert response.status_code == 200
    assert response.headers["content-type"] == "application/json"
    decision = settled(response.json())
    assert decision.pop("pd") == pytest.approx(0.49042812)
    assert decision == snapshot(
        {
            "scorecard": "card_default",
            "model": "card_default:1.0.0-fp32",
            "variant": "fp32",
            "prediction": 1,
            "decision": "decline",
            "policy": "card_default-2abaf65f6b2d",
            "cutoff": 0.25,
            "points": 488,
            "band": "E",
            "reasons": [
                {
                    "code": "EARLIER_PAYMENT_DELAYS",
                    "statement": "LATE",
                    "sentence": "A payment was late in at least one of the months three to six months ago.",
                    "contribution": 0.800000011920929,
                },
                {
                    "code": "RECENT_PAYMENT_DELAY",
                    "statement": "LATE",
                    "sentence": "A payment was late in at least one of the last two months.",
                    "contribution": 0.40000003576278687,
                },
            ],
        }
    )


async def test_fields_may_go_by_their_python_names(service: Service, example: dict[str, Any]) -> None:
    by_name = {name.lower(): value for name, value in example.items()}
    first, second = [(await service.client.post("/predict", json=body)).json() for body in (example, by_name)]
    assert settled(first) == settled(second)


async def test_protected_fields_may_be_left_out_and_change_nothing(service: Service, example: dict[str, Any]) -> None:
    without = {name: value for name, value in example.items() if name not in {"SEX", "MARRIAGE", "AGE"}}
    with_nulls = example | {"SEX": None, "MARRIAGE": None, "AGE": None}
    answers = [(await service.client.post("/predict", json=body)).json() for body in (example, without, with_nulls)]
    assert settled(answers[0]) == settled(answers[1]) == settled(answers[2])


async def test_a_batch_gets_one_decision_per_application_in_order(service: Service, example: dict[str, Any]) -> None:
    late = example | {"PAY_0": 5}
    response = await service.client.post("/predict_batch", json={"applications": [example, late, example]})
    assert response.status_code == 200
    body = response.json()
    first, second, third = [settled(decision) for decision in body["decisions"]]
    assert first == third
    assert second["pd"] > first["pd"]
    assert body["errors"] == []


async def test_a_broken_application_is_named_by_index_and_the_others_are_decided(
    service: Service, example: dict[str, Any]
) -> None:
    broken = example | {"EDUCATION": 7, "PAY_0": "2", "colour": "red"}
    response = await service.client.post("/predict_batch", json={"applications": [example, broken, example, [1, 2]]})
    assert response.status_code == 200
    body = response.json()
    assert [decision is not None for decision in body["decisions"]] == [True, False, True, False]
    assert body["errors"] == snapshot(
        [
            {
                "index": 1,
                "errors": [
                    {
                        "field": "EDUCATION",
                        "rule": "less_than_equal",
                        "message": "Input should be less than or equal to 6",
                    },
                    {"field": "PAY_0", "rule": "int_type", "message": "Input should be a valid integer"},
                    {"field": "colour", "rule": "extra_forbidden", "message": "Extra inputs are not permitted"},
                ],
            },
            {
                "index": 3,
                "errors": [{"field": "(application)", "rule": "model_type", "message": "Input should be an object"}],
            },
        ]
    )


async def test_a_batch_without_a_good_application_is_refused(service: Service, example: dict[str, Any]) -> None:
    response = await service.client.post("/predict_batch", json={"applications": [example | {"AGE": 17}, {}]})
    assert response.status_code == 422
    body = response.json()
    assert [row["index"] for row in body.pop("rows")] == [0, 1]
    assert body == snapshot(
        {
            "type": "about:blank",
            "title": "Unprocessable Content",
            "status": 422,
            "detail": "every application of the batch breaks its contract",
        }
    )


async def test_a_batch_and_its_rows_alone_get_the_same_pd(service: Service, example: dict[str, Any]) -> None:
    applications = [example | {"PAY_0": status, "LIMIT_BAL": 10_000 * (status + 3)} for status in range(-2, 9)]
    batch = (await service.client.post("/predict_batch", json={"applications": applications})).json()
    alone = [(await service.client.post("/predict", json=application)).json() for application in applications]
    assert [decision["pd"] for decision in batch["decisions"]] == [decision["pd"] for decision in alone]


async def test_applications_that_arrive_together_are_scored_together(service: Service, example: dict[str, Any]) -> None:
    def batches_and_rows() -> tuple[float, float]:
        count, total = (REGISTRY.get_sample_value(f"scorebox_batch_rows_{name}") for name in ("count", "sum"))
        return count or 0.0, total or 0.0

    batches, rows = batches_and_rows()
    responses = await asyncio.gather(*(service.client.post("/predict", json=example) for _ in range(20)))
    assert {response.status_code for response in responses} == {200}
    assert len({response.json()["decision_id"] for response in responses}) == 20
    assert batches_and_rows() == (batches + 1, rows + 20)
    assert service.core.metrics.in_progress == 0


async def test_the_model_is_described(service: Service) -> None:
    response = await service.client.get("/model_info")
    assert response.status_code == 200
    body = response.json()
    assert len(body.pop("graph_sha256")) == 64
    assert body.pop("libraries").keys() == {"onnx"}
    assert body == snapshot(
        {
            "scorecard": "card_default",
            "title": "Default of credit card clients",
            "model": "card_default:1.0.0-fp32",
            "version": "1.0.0",
            "variant": "fp32",
            "available_variants": {"fp32": "card_default:1.0.0-fp32"},
            "family": "logistic",
            "columns": [
                "LIMIT_BAL",
                "EDUCATION",
                "PAY_0",
                "PAY_2",
                "PAY_3",
                "PAY_4",
                "PAY_5",
                "PAY_6",
                "BILL_AMT1",
                "BILL_AMT2",
                "BILL_AMT3",
                "BILL_AMT4",
                "BILL_AMT5",
                "BILL_AMT6",
                "PAY_AMT1",
                "PAY_AMT2",
                "PAY_AMT3",
                "PAY_AMT4",
                "PAY_AMT5",
                "PAY_AMT6",
            ],
            "policy": "card_default-2abaf65f6b2d",
            "cutoff": 0.25,
            "reference": {
                "pd": 0.24790692329406738,
                "values": {
                    "LIMIT_BAL": 60000.0,
                    "EDUCATION": 2.0,
                    "PAY_0": 0.0,
                    "PAY_2": 0.0,
                    "PAY_3": 0.0,
                    "PAY_4": 0.0,
                    "PAY_5": 0.0,
                    "PAY_6": 0.0,
                    "BILL_AMT1": 19627.0,
                    "BILL_AMT2": 17513.0,
                    "BILL_AMT3": 19839.0,
                    "BILL_AMT4": 15056.0,
                    "BILL_AMT5": 18306.0,
                    "BILL_AMT6": 11591.0,
                    "PAY_AMT1": 866.0,
                    "PAY_AMT2": 175.0,
                    "PAY_AMT3": 195.0,
                    "PAY_AMT4": 284.0,
                    "PAY_AMT5": 499.0,
                    "PAY_AMT6": 497.0,
                },
            },
            "journal": "off",
            "challenger": None,
            "bands": [
                {"name": "A", "below": 0.05},
                {"name": "B", "below": 0.1},
                {"name": "C", "below": 0.2},
                {"name": "D", "below": 0.4},
                {"name": "E", "below": 1.01},
            ],
            "metrics": {"auc": 0.75, "brier": 0.14},
            "data": {
                "sha256": "0000000000000000000000000000000000000000000000000000000000000000",
                "rows": 1000,
                "default_share": 0.2212,
                "sample": True,
                "published": False,
            },
            "data_label": "SAMPLE DATA",
            "history": None,
            "git_revision": "0123456789abcdef",
            "mlflow_run_id": "toy",
            "limits": {
                "application_bytes": 16384,
                "batch_bytes": 1048576,
                "batch_rows": 1000,
                "arrow_bytes": 33554432,
                "arrow_rows": 20000,
                "request_timeout_seconds": 60.0,
            },
        }
    )


async def test_health_names_the_model(service: Service) -> None:
    response = await service.client.get("/health")
    assert (response.status_code, response.json()) == snapshot(
        (200, {"status": "ready", "scorecard": "card_default", "model": "card_default:1.0.0-fp32", "variant": "fp32"})
    )


async def test_while_draining_it_answers_but_is_not_healthy_and_closes_connections(
    service: Service, example: dict[str, Any]
) -> None:
    service.core.draining = True
    health = await service.client.get("/health")
    assert (health.status_code, health.headers["connection"]) == (503, "close")
    decision = await service.client.post("/predict", json=example)
    assert (decision.status_code, decision.headers["connection"]) == (200, "close")
    passed_on = await service.client.get("/livez")
    assert (passed_on.status_code, passed_on.headers["connection"]) == (200, "close")


async def test_bentoml_paths_are_passed_on(service: Service) -> None:
    paths = ["/livez", "/readyz", "/healthz", "/schema.json"]
    for path in paths:
        response = await service.client.get(path)
        assert (response.status_code, response.text) == (200, "from BentoML")
        assert response.headers["x-request-id"]
    assert service.passed_on == paths


async def test_an_error_from_bentoml_leaves_as_a_problem(service: Service) -> None:
    service.bentoml_status = 503
    response = await service.client.get("/readyz")
    assert response.headers["content-type"] == "application/problem+json"
    assert response.json() == snapshot(
        {
            "type": "about:blank",
            "title": "Service Unavailable",
            "status": 503,
            "detail": "/readyz answers: Service Unavailable",
        }
    )


async def test_an_unknown_path_is_not_passed_on(service: Service) -> None:
    response = await service.client.get("/predict/1")
    assert service.passed_on == []
    assert response.headers["content-type"] == "application/problem+json"
    assert response.json() == snapshot(
        {
            "type": "about:blank",
            "title": "Not Found",
            "status": 404,
            "detail": "there is nothing here; GET /docs.json lists what there is",
        }
    )


async def test_a_wrong_method_is_told_the_right_ones(service: Service) -> None:
    response = await service.client.get("/predict")
    assert response.headers["allow"] == "POST"
    assert response.json() == snapshot(
        {"type": "about:blank", "title": "Method Not Allowed", "status": 405, "detail": "/predict takes POST"}
    )
    response = await service.client.delete("/model_info")
    assert (response.status_code, response.headers["allow"]) == (405, "GET, HEAD")


async def test_an_overloaded_service_says_when_to_come_back(
    make_service: Callable[..., Service], example: dict[str, Any]
) -> None:
    service = make_service(max_wait=1e-9)
    response = await service.client.post("/predict", json=example)
    assert response.headers["retry-after"] == "1"
    assert response.json() == snapshot(
        {
            "type": "about:blank",
            "title": "Service Unavailable",
            "status": 503,
            "detail": "the service is overloaded: the request waited longer than 1e-09 s; send it again later",
        }
    )


async def test_a_large_body_is_not_read_when_its_turn_comes_late(
    make_service: Callable[..., Service], example: dict[str, Any]
) -> None:
    service = make_service(max_wait=1e-9)
    # Read, it would be 422.
    response = await service.client.post("/predict_batch", json={"applications": [{"x": 1}] * 1000})
    assert (response.status_code, response.headers["retry-after"]) == (503, "1")
    assert response.json()["detail"].startswith("the service is overloaded: the request waited longer than")


async def test_a_service_that_has_stopped_refuses_large_bodies_too(service: Service, example: dict[str, Any]) -> None:
    await service.core.close()
    response = await service.client.post("/predict_batch", json={"applications": [example] * 100})
    assert (response.status_code, response.headers["retry-after"]) == (503, "1")


async def test_a_service_that_has_stopped_refuses(service: Service, example: dict[str, Any]) -> None:
    await service.core.close()
    response = await service.client.post("/predict", json=example)
    assert response.headers["retry-after"] == "1"
    assert response.json() == snapshot(
        {
            "type": "about:blank",
            "title": "Service Unavailable",
            "status": 503,
            "detail": "the service is shutting down; send the request again",
        }
    )


async def test_a_request_that_takes_too_long_is_given_up(
    make_service: Callable[..., Service], example: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    service = make_service(request_timeout=0.1)

    async def never(*_: Any) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(service.core, "predict", never)
    response = await service.client.post("/predict", json=example)
    assert response.json() == snapshot(
        {
            "type": "about:blank",
            "title": "Gateway Timeout",
            "status": 504,
            "detail": "the request was not answered within 0.1 s; decisions of it may have been made and kept: the "
            "same request under the same Idempotency-Key gets those and the rest",
        }
    )


async def test_an_unexpected_error_is_answered_and_logged_without_its_message(
    service: Service, example: dict[str, Any], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def fails(*_: Any) -> None:
        raise RuntimeError(f"limit {example['LIMIT_BAL']} is not divisible")

    monkeypatch.setattr(service.core, "predict", fails)
    monkeypatch.setattr(logging.getLogger("bentoml"), "propagate", True)
    response = await service.client.post("/predict", json=example, headers={"X-Request-ID": "r-1"})
    assert response.json() == snapshot(
        {
            "type": "about:blank",
            "title": "Internal Server Error",
            "status": 500,
            "detail": "an error of the service; its log names request r-1",
        }
    )
    assert "RuntimeError in /predict, request r-1" in caplog.text
    assert str(example["LIMIT_BAL"]) not in caplog.text


async def call(service: Service, messages: list[Message]) -> list[Message]:
    """Calls the face with these ASGI messages; what it sends."""
    sent: list[Message] = []

    async def receive() -> Message:
        if not messages:
            await asyncio.Event().wait()
        return messages.pop(0)

    async def send(message: Message) -> None:
        sent.append(message)

    scope: Scope = {
        "type": "http",
        "method": "POST",
        "path": "/predict",
        "headers": [(b"content-type", b"application/json")],
    }
    await service.face(scope, receive, send)
    return sent


async def test_a_body_may_arrive_in_pieces(service: Service, example: dict[str, Any]) -> None:
    body = orjson.dumps(example)
    pieces = [body[:10], body[10:100], b"", body[100:]]
    messages: list[Message] = [{"type": "http.request", "body": piece, "more_body": True} for piece in pieces]
    sent = await call(service, [*messages, {"type": "http.request"}])
    assert sent[0]["status"] == 200


async def test_a_body_that_stops_arriving_is_given_up(make_service: Callable[..., Service]) -> None:
    service = make_service(request_timeout=0.1)
    sent = await call(service, [{"type": "http.request", "body": b"{", "more_body": True}])
    assert sent[0]["status"] == 408
    assert (b"connection", b"close") in sent[0]["headers"]


async def test_a_client_that_goes_away_gets_no_answer(service: Service) -> None:
    sent = await call(service, [{"type": "http.request", "body": b"{", "more_body": True}, {"type": "http.disconnect"}])
    assert sent == []
    assert [line["status"] for line in service.log()] == [499]


async def test_a_body_beyond_the_limit_is_refused_with_and_without_its_length(service: Service) -> None:
    big = b" " * (20 << 10)
    response = await service.client.post("/predict", content=big, headers={"content-type": "application/json"})
    assert response.json() == snapshot(
        {
            "type": "about:blank",
            "title": "Content Too Large",
            "status": 413,
            "detail": "the body is larger than 16384 bytes",
        }
    )
    messages: list[Message] = [{"type": "http.request", "body": big[:1000], "more_body": True} for _ in range(20)]
    sent = await call(service, [*messages, {"type": "http.request"}])
    assert sent[0]["status"] == 413


async def test_websockets_are_none_of_its_business(service: Service) -> None:
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "websocket.connect"}

    async def send(message: Message) -> None:
        sent.append(message)

    await service.face({"type": "websocket", "path": "/predict"}, receive, send)
    assert service.passed_on == ["/predict"]
