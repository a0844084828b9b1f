"""Both doors to the service, the face and BentoML's typed methods, give the same answers."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.e2e.server import Server, serve
from tests.serving.toy import SCORECARD
from tests.serving.wire.raw import connected, post

EXAMPLE = dict(SCORECARD.example)
LATE = EXAMPLE | {"PAY_0": 6}
OUTCOME = {"decision_id": "unknown", "defaulted": 1, "observed_on": "2026-09-30"}
GOOD = EXAMPLE | {"PAY_2": -2, "PAY_6": -2, "PAY_0": -2, "LIMIT_BAL": 1_000_000}


@pytest.fixture(scope="module")
def typed(toy_store: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    home = Path(shutil.copytree(toy_store, tmp_path_factory.mktemp("typed") / "home"))
    with serve(home, "tests.e2e.typed_only:Scorebox") as running:
        yield running


FACE_ONLY = {"/reload"}
"""Routes that no typed method offers, since they need a header."""
CORPUS: dict[str, tuple[str, Any]] = {
    "a good application": ("/predict", EXAMPLE),
    "another": ("/predict", LATE),
    "by Python names": ("/predict", {name.lower(): value for name, value in EXAMPLE.items()}),
    "without protected fields": ("/predict", {k: v for k, v in EXAMPLE.items() if k not in SCORECARD.protected}),
    "an unknown field": ("/predict", EXAMPLE | {"colour": 1}),
    "out of range": ("/predict", EXAMPLE | {"EDUCATION": 7, "AGE": 17}),
    "a string": ("/predict", EXAMPLE | {"LIMIT_BAL": "1000"}),
    "a boolean": ("/predict", EXAMPLE | {"PAY_0": True}),
    "a fraction": ("/predict", EXAMPLE | {"PAY_0": 0.5}),
    "whole numbers as floats": ("/predict", {name: float(value) for name, value in EXAMPLE.items()}),
    "whole numbers as floats to explain": ("/explain", {name: float(value) for name, value in LATE.items()}),
    "whole numbers as floats in a batch": ("/predict_batch", {"applications": [EXAMPLE, EXAMPLE | {"PAY_0": 2.0}]}),
    "a field twice": ("/predict", b'{"PAY_0": 1, ' + json.dumps(EXAMPLE).encode()[1:]),
    "a field by both its names": ("/predict", EXAMPLE | {"pay_0": 1}),
    "a field twice to explain": ("/explain", b'{"PAY_0": 1, ' + json.dumps(EXAMPLE).encode()[1:]),
    "a field twice in a batch": (
        "/predict_batch",
        b'{"applications": [%b, {"PAY_0": 1, "PAY_0": 2}]}' % json.dumps(EXAMPLE).encode(),
    ),
    "two batches": ("/predict_batch", b'{"applications": [], "applications": [{}]}'),
    "not a number": ("/predict", EXAMPLE | {"BILL_AMT1": float("nan")}),
    "infinite": ("/predict", EXAMPLE | {"BILL_AMT1": float("inf")}),
    "null": ("/predict", EXAMPLE | {"PAY_0": None}),
    "missing": ("/predict", {name: value for name, value in EXAMPLE.items() if name != "PAY_0"}),
    "an empty object": ("/predict", {}),
    "a list": ("/predict", [EXAMPLE]),
    "malformed": ("/predict", b'{"LIMIT_BAL": '),
    "an application to explain": ("/explain", LATE),
    "one to explain that would be approved": ("/explain", GOOD),
    "a broken one to explain": ("/explain", EXAMPLE | {"PAY_0": "late"}),
    "a good batch": ("/predict_batch", {"applications": [EXAMPLE, LATE, EXAMPLE]}),
    "a batch with broken rows": ("/predict_batch", {"applications": [EXAMPLE | {"AGE": 1}, LATE, {}, 5, EXAMPLE]}),
    "a batch of broken rows": ("/predict_batch", {"applications": [{}, EXAMPLE | {"PAY_0": "1"}]}),
    "an empty batch": ("/predict_batch", {"applications": []}),
    "a batch beyond the limit": ("/predict_batch", {"applications": [EXAMPLE] * 1001}),
    "a batch without its name": ("/predict_batch", [EXAMPLE]),
    "a batch with more": ("/predict_batch", {"applications": [EXAMPLE], "more": 1}),
    "a malformed batch": ("/predict_batch", b'{"applications": [}'),
    "outcomes": ("/outcomes", {"outcomes": [OUTCOME, OUTCOME | {"decision_id": "another"}]}),
    "an outcome that is no label": ("/outcomes", {"outcomes": [OUTCOME | {"defaulted": 2}]}),
    "an outcome as a boolean": ("/outcomes", {"outcomes": [OUTCOME | {"defaulted": True}]}),
    "an outcome as a float": ("/outcomes", {"outcomes": [OUTCOME | {"defaulted": 1.0}]}),
    "an outcome as a fraction": ("/outcomes", {"outcomes": [OUTCOME | {"defaulted": 0.5}]}),
    "an outcome with a field twice": ("/outcomes", b'{"outcomes": [{"defaulted": 1, "defaulted": 1}]}'),
    "an outcome of no day": ("/outcomes", {"outcomes": [OUTCOME | {"observed_on": "2026-02-30"}]}),
    "an outcome with a number for its day": ("/outcomes", {"outcomes": [OUTCOME | {"observed_on": 20260930}]}),
    "an outcome with more": ("/outcomes", {"outcomes": [OUTCOME, OUTCOME | {"amount": 1}]}),
    "an outcome without a decision": ("/outcomes", {"outcomes": [{"defaulted": 1, "observed_on": "2026-09-30"}]}),
    "no outcomes": ("/outcomes", {"outcomes": []}),
    "outcomes beyond the limit": ("/outcomes", {"outcomes": [OUTCOME] * 1001}),
    "malformed outcomes": ("/outcomes", b'{"outcomes": [}'),
}


@pytest.mark.parametrize(("path", "body"), CORPUS.values(), ids=CORPUS.keys())
def test_both_doors_answer_alike(server: Server, typed: Server, path: str, body: Any) -> None:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    faced = server.post(path, content, **{"content-type": "application/json"})
    plain = typed.post(path, content, **{"content-type": "application/json"})
    assert verdict(faced) == verdict(plain)


def verdict(response: httpx.Response) -> Any:
    """Return what a response says, without ids, times, and the two forms of an error.

    BentoML has one status for every broken body, 400, and lists pydantic's errors as they are.
    """
    body = response.json()
    if response.status_code == 200:
        for decision in body.get("decisions", [body] if "decision_id" in body else []):
            if decision is not None:
                assert decision.pop("decision_id")
                assert decision.pop("decided_at")
        return body
    assert response.status_code in {400, 422}
    if isinstance(body, list):
        return body[0]["error"]
    if "rows" in body:
        return body["detail"]
    if "detail" in body and isinstance(body["detail"], list):
        return {(".".join(map(str, item["loc"])) or "(body)", item["type"]) for item in body["detail"]}
    return {(error["field"], error["rule"]) for error in body["errors"]}


def test_without_the_face_too_the_offer_of_another_protocol_is_ignored_and_a_websocket_refused(typed: Server) -> None:
    offer = ("Connection: Upgrade", "Upgrade: {}")
    with connected(typed.port) as client:
        client.send(post("/predict", json.dumps(EXAMPLE).encode(), offer[0], offer[1].format("h2c")))
        assert client.answer().status == 200
        client.send(post("/predict", b"{}", offer[0], offer[1].format("websocket")))
        assert (client.answer().status, client.is_closed()) == (400, True)


def test_the_typed_methods_have_the_routes_of_the_document(server: Server, typed: Server) -> None:
    by_bentoml = typed.get("/docs.json").json()["paths"]
    served = server.get("/docs.json").json()["paths"]
    operations = {path: item["post"]["operationId"] for path, item in by_bentoml.items() if "post" in item}
    assert operations == {
        path: item["post"]["operationId"] for path, item in served.items() if "post" in item and path not in FACE_ONLY
    }
