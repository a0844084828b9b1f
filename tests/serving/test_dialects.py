"""Callers with the words of other systems: exact bodies in and out, over the same core, journal and limits."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from inline_snapshot import snapshot
from onnx import TensorProto, helper, numpy_helper
from openapi_spec_validator import OpenAPIV31SpecValidator

from scoring import models, scorecards
from scoring.challenger.challenge import Challenge
from scoring.graph import COLUMNS_KEY, INPUT, OUTPUT, Inputs, sha256
from scoring.journal.reader import JournalReader
from scoring.journal.writer import Journal
from scoring.models import Release
from scoring.policy import CutoffPolicy
from serving.startup import LoadedModel, StartupConfig
from tests.serving.conftest import Service, startup_config
from tests.serving.test_metrics import exposed
from tests.serving.toy import record
from training.graph.explain import with_explain_graph

pytestmark = pytest.mark.anyio

GERMAN = scorecards.load("german_credit")
(DIALECT,) = GERMAN.dialects
BODY = dict(DIALECT.example)
NUMBERS = ["Duration in month", "Credit amount", "Present residence since", "Number of existing credits at this bank"]
RATE = "Installment rate in percentage of disposable income"
DEPENDANTS = "Number of people being liable to provide maintenance for"
TOKEN = "a-token-of-sixteen-characters"


def german_model(version: str = "1.0.0") -> models.StoredModel:
    """A logistic regression over four numbers: a long loan raises the PD."""
    weights = np.array([[0.05], [1e-4], [-0.1], [0.1]], dtype=np.float32)
    body = helper.make_graph(
        [
            helper.make_node("Gemm", [INPUT, "weights", "bias"], ["log_odds"]),
            helper.make_node("Sigmoid", ["log_odds"], [OUTPUT]),
        ],
        "toy",
        [helper.make_tensor_value_info(INPUT, TensorProto.FLOAT, ["rows", len(NUMBERS)])],
        [helper.make_tensor_value_info(OUTPUT, TensorProto.FLOAT, ["rows", 1])],
        [numpy_helper.from_array(weights, "weights"), numpy_helper.from_array(np.array([-3], np.float32), "bias")],
    )
    model = helper.make_model(body, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    helper.set_model_props(model, {COLUMNS_KEY: json.dumps(NUMBERS)})
    rows = GERMAN.sample(np.random.default_rng(3), 1_000)
    inputs = Inputs(np.stack([rows[name] for name in NUMBERS], axis=1).astype(np.float32))
    content = with_explain_graph(GERMAN, model.SerializeToString(), inputs, inputs.numeric)
    entry = record("fp32", content, NUMBERS, version=version).model_copy(
        update={"scorecard": GERMAN.name, "graph_sha256": sha256(content.graph), "cutoff": GERMAN.cutoff}
    )
    return models.open_model(entry, content)


MODEL = german_model()
NEWER = german_model("2.0.0")


def german(journal: Journal | None = None, cutoff: float = GERMAN.cutoff, **given_settings: Any) -> StartupConfig:
    """A service of german_credit; its model is number 7 of the registry."""
    config = startup_config(journal=journal, scorecard="german_credit", **given_settings)
    return replace(
        config,
        scorecard=GERMAN,
        champion=LoadedModel(MODEL),
        release=Release(
            scorecard=GERMAN.name,
            version="1.0.0",
            serving="fp32",
            tags={"fp32": MODEL.record.tag},
            registry_version="7",
        ),
        policy=CutoffPolicy.of(GERMAN).model_copy(update={"cutoff": cutoff}),
    )


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    kept = Journal(tmp_path / "journal")
    yield kept
    kept.close()


@pytest.fixture
def service(make_service: Callable[..., Service]) -> Service:
    return make_service(german())


async def test_one_applicant_is_answered_in_the_words_of_the_published_system(service: Service) -> None:
    response = await service.client.post("/api/predict", json=BODY)
    answer = response.json()
    assert answer.pop("timestamp").endswith("+00:00")
    assert answer == snapshot(
        {
            "prediction": 1,
            "probability_good_credit": 0.9002494812011719,
            "probability_bad_credit": 0.09975051879882812,
            "risk_level": "LOW",
            "model_version": "7",
        }
    )


async def test_many_are_answered_in_their_order(service: Service) -> None:
    bodies = [BODY | {"Duration in month": months} for months in (6, 24, 60)]
    answer = (await service.client.post("/api/predict-batch", json={"applications": bodies})).json()
    assert set(answer) == {"predictions", "total_processed", "model_version", "timestamp"}
    assert (answer["total_processed"], answer["model_version"]) == (3, "7")
    alone = [(await service.client.post("/api/predict", json=body)).json() for body in bodies]
    unstamped = [{name: value for name, value in one.items() if name != "timestamp"} for one in alone]
    assert [
        {name: value for name, value in one.items() if name != "timestamp"} for one in answer["predictions"]
    ] == unstamped
    assert [one["risk_level"] for one in unstamped] == ["LOW", "LOW", "MEDIUM"]


@pytest.mark.parametrize("cutoff", [0.1, 0.3, 0.5, 0.9])
async def test_the_prediction_is_the_policy_s_decision_wherever_it_cuts(
    make_service: Callable[..., Service], cutoff: float
) -> None:
    service = make_service(german(cutoff=cutoff))
    for months in (1, 12, 48, 120):
        body = BODY | {"Duration in month": months}
        answer = (await service.client.post("/api/predict", json=body)).json()
        own = (await service.client.post("/predict", json=body | dict(DIALECT.defaults))).json()
        assert answer["prediction"] == 1 - own["prediction"]
        assert answer["probability_bad_credit"] == own["pd"]


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    months=st.integers(1, 120),
    amount=st.floats(1, 1e6, allow_nan=False),
    count=st.integers(1, 4),
    codes=st.fixed_dictionaries(
        {"Purpose": st.sampled_from(["A40", "A410"]), "Job": st.sampled_from(["A171", "A174"])}
    ),
)
async def test_every_applicant_has_the_pd_of_the_own_route_to_the_bit(
    service: Service, months: int, amount: float, count: int, codes: dict[str, str]
) -> None:
    body = BODY | codes | {
        "Duration in month": months, "Credit amount": amount, "Number of existing credits at this bank": count,
    }  # fmt: skip
    answer = (await service.client.post("/api/predict", json=body)).json()
    own = (await service.client.post("/predict", json=body | dict(DIALECT.defaults))).json()
    assert answer["probability_bad_credit"] == own["pd"]
    assert answer["probability_good_credit"] == 1 - own["pd"]


@pytest.mark.parametrize(
    ("change", "field", "rule"),
    [
        ({"Duration in month": 0}, "Duration in month", "greater_than_equal"),
        ({"Duration in month": 121}, "Duration in month", "less_than_equal"),
        ({"Duration in month": 12.5}, "Duration in month", "int_type"),
        ({"Duration in month": "12"}, "Duration in month", "int_type"),
        ({"Duration in month": True}, "Duration in month", "int_type"),
        ({"Duration in month": None}, "Duration in month", "int_type"),
        ({"Credit amount": 0}, "Credit amount", "greater_than_equal"),
        ({RATE: 5}, RATE, "less_than_equal"),
        ({"Age in years": 17}, "Age in years", "greater_than_equal"),
        ({"Age in years": 101}, "Age in years", "less_than_equal"),
        ({"Number of existing credits at this bank": 5}, "Number of existing credits at this bank", "less_than_equal"),
        ({DEPENDANTS: 3}, DEPENDANTS, "less_than_equal"),
        ({"Purpose": "A47"}, "Purpose", "literal_error"),
        ({"Present residence since": 2}, "Present residence since", "extra_forbidden"),
        ({"SEX": 1}, "SEX", "extra_forbidden"),
    ],
)  # fmt: skip
async def test_a_broken_rule_is_named_by_the_caller_s_own_field(
    service: Service, change: dict[str, Any], field: str, rule: str
) -> None:
    response = await service.client.post("/api/predict", json=BODY | change)
    assert response.status_code == 422
    assert [(error["field"], error["rule"]) for error in response.json()["errors"]] == [(field, rule)]


async def test_each_of_the_nineteen_fields_is_demanded(service: Service) -> None:
    assert len(BODY) == 19
    for name in BODY:
        response = await service.client.post("/api/predict", json={k: v for k, v in BODY.items() if k != name})
        assert [(error["field"], error["rule"]) for error in response.json()["errors"]] == [(name, "missing")]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"{", 400),
        (b"[]", 422),
        (b"null", 422),
        (json.dumps(BODY).replace("5000.0", "NaN").encode(), 422),
        (json.dumps(BODY).replace("5000.0", "1e999").encode(), 422),
        (b'{"Job": "A171", ' + json.dumps(BODY)[1:].encode(), 422),
        (b" " * (17 << 10), 413),
    ],
    ids=["empty", "half", "a list", "null", "NaN", "infinite", "a field twice", "too large"],
)
async def test_any_bytes_get_problem_details(service: Service, body: bytes, status: int) -> None:
    response = await service.client.post("/api/predict", content=body, headers={"Content-Type": "application/json"})
    assert (response.status_code, response.headers["content-type"]) == (status, "application/problem+json")


async def test_a_broken_row_refuses_the_batch_by_its_index_and_nothing_is_decided(
    make_service: Callable[..., Service], journal: Journal
) -> None:
    service = make_service(german(journal))
    service.core.open()
    rows = [BODY, BODY | {"Duration in month": 0}, {"Job": "A171"}, BODY]
    response = await service.client.post("/api/predict-batch", json={"applications": rows})
    problem = response.json()
    assert (response.status_code, problem["detail"]) == (
        422,
        "2 of 4 applications break the contract, so none was decided",
    )
    assert [row["index"] for row in problem["rows"]] == [1, 2]
    assert problem["rows"][0]["errors"][0]["field"] == "Duration in month"
    assert list(JournalReader(journal.folder).decisions()) == []
    broken: list[dict[str, Any]] = [{"applications": []}, {}, {"applications": [BODY], "more": 1}]
    for none in broken:
        assert (await service.client.post("/api/predict-batch", json=none)).status_code == 422


async def test_a_decision_is_kept_with_the_default_and_what_is_protected_and_once_under_a_key(
    make_service: Callable[..., Service], journal: Journal
) -> None:
    service = make_service(german(journal))
    service.core.open()
    headers = {"Idempotency-Key": "one", "Applicant-ID": "anna"}
    answers = [(await service.client.post("/api/predict", json=BODY, headers=headers)).json() for _ in range(2)]
    assert answers[0] == answers[1]
    other = await service.client.post("/api/predict", json=BODY | {"Job": "A171"}, headers=headers)
    assert other.status_code == 409
    (kept,) = JournalReader(journal.folder).decisions()
    assert (kept.applicant, float(kept.pd)) == ("anna", answers[0]["probability_bad_credit"])
    assert kept.application is not None
    assert json.loads(kept.application) == BODY | {"Present residence since": 4}


async def test_health_model_and_reload_are_asked_in_the_same_words(make_service: Callable[..., Service]) -> None:
    service = make_service(german(reload_token=TOKEN))
    health = (await service.client.get("/api/health")).json()
    assert health.pop("timestamp").endswith("+00:00")
    assert health == {"status": "healthy", "model_path": "german_credit:1.0.0-fp32", "model_loaded": True}
    assert (await service.client.get("/api/model-info")).json() == {
        "name": "german_credit",
        "version": "7",
        "stage": "Production",
        "description": GERMAN.title,
    }
    assert (await service.client.post("/api/reload-model")).status_code == 401
    reloaded = await service.client.post("/api/reload-model", headers={"Authorization": f"Bearer {TOKEN}"})
    answer = reloaded.json()
    assert answer.pop("timestamp").endswith("+00:00")
    assert answer == {"message": "nothing has changed", "model_version": "7"}
    service.core.draining = True
    assert (await service.client.get("/api/health")).status_code == 503


async def test_the_number_is_that_of_the_model_that_decided(
    make_service: Callable[..., Service], journal: Journal
) -> None:
    """The challenger's where it decides, and after a reload the former champion's for a key that comes again."""
    newer = Release(
        scorecard=GERMAN.name,
        version="2.0.0",
        serving="fp32",
        tags={"fp32": NEWER.record.tag},
        registry_version="8",
    )
    sent = Challenge(id="c-1", release=newer, share=0.5, made_at="2026-12-01T00:00:00.000+00:00")
    before = replace(german(journal, reload_token=TOKEN), challenger=(sent, LoadedModel(NEWER)))
    after = replace(before, champion=LoadedModel(NEWER), release=newer, challenger=None)
    service = make_service(before, lambda: after)
    service.core.open()
    names = [f"client-{number}" for number in range(20)]

    async def numbers() -> dict[str, str]:
        return {
            name: (
                await service.client.post(
                    "/api/predict", json=BODY, headers={"Applicant-ID": name, "Idempotency-Key": name}
                )
            ).json()["model_version"]
            for name in names
        }

    first = await numbers()
    kept = {decision.applicant: decision.basis.model for decision in JournalReader(journal.folder).decisions()}
    tags = {MODEL.record.tag: "7", NEWER.record.tag: "8"}
    assert {name: tags[kept[name]] for name in names} == first
    assert set(first.values()) == {"7", "8"}
    reloaded = await service.client.post("/api/reload-model", headers={"Authorization": f"Bearer {TOKEN}"})
    assert (reloaded.json()["message"], reloaded.json()["model_version"]) == ("model reloaded", "8")
    assert await numbers() == first
    assert (await service.client.post("/api/predict", json=BODY)).json()["model_version"] == "8"


async def test_a_release_from_before_has_the_store_s_version_for_a_number(make_service: Callable[..., Service]) -> None:
    config = german()
    service = make_service(replace(config, release=config.release.model_copy(update={"registry_version": None})))
    assert (await service.client.post("/api/predict", json=BODY)).json()["model_version"] == "1.0.0"


async def test_card_default_answers_both_systems_at_once(make_service: Callable[..., Service]) -> None:
    service = make_service(startup_config())
    body = dict(startup_config().scorecard.example)
    own = (await service.client.post("/predict", json=body)).json()
    assert (await service.client.post("/v1/predict", json=body)).json() == {
        "probability": own["pd"],
        "prediction": own["prediction"],
        "default_probability": own["pd"],
        "default_prediction": own["prediction"],
    }
    refused = await service.client.post("/v1/predict", json=body | {"SEX": 3})
    assert [error["field"] for error in refused.json()["errors"]] == ["SEX"]
    # Another scorecard's words are no route here.
    for path in ("/api/predict", "/api/health", "/v1/predict-batch"):
        assert (await service.client.post(path, json=body)).status_code == 404


@pytest.mark.parametrize(
    ("config", "prefix", "paths"),
    [
        (german, "/api", ["/api/health", "/api/model-info", "/api/predict", "/api/predict-batch", "/api/reload-model"]),
        (startup_config, "/v1", ["/v1/predict"]),
    ],
)
async def test_each_dialect_has_an_openapi_document_whose_examples_are_answered(
    make_service: Callable[..., Service], config: Callable[[], StartupConfig], prefix: str, paths: list[str]
) -> None:
    service = make_service(config())
    document = (await service.client.get(f"{prefix}/openapi.json")).json()
    OpenAPIV31SpecValidator(document).validate()
    assert sorted(document["paths"]) == paths
    # Relative to the document.
    assert document["servers"][0]["url"] == ".."
    for path, item in document["paths"].items():
        for content in item.get("post", {}).get("requestBody", {}).get("content", {}).values():
            assert (await service.client.post(path, json=content["example"])).status_code == 200
    # The own document does not know them.
    assert not [path for path in (await service.client.get("/docs.json")).json()["paths"] if path.startswith(prefix)]


async def test_a_request_in_a_dialect_is_counted_by_its_route_and_logged_without_what_was_sent(
    service: Service,
) -> None:
    await service.client.post("/api/predict", json=BODY)
    counted = "scorebox_http_requests_total{method=POST,route=/api/predict,status=200}"
    assert counted in await exposed(service)
    assert b"A173" not in service.lines.getvalue()
