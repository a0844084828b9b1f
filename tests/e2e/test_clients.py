"""Clients that others make from what the service says of itself call every route, and read every answer."""

from __future__ import annotations

import importlib
import json
import pkgutil
import subprocess
from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path
from types import ModuleType
from typing import Any

import bentoml
import pytest
from bentoml.exceptions import BentoMLException
from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator

from tests.conftest import PROJECT
from tests.e2e.conftest import RELOAD_TOKEN
from tests.e2e.server import Server
from tests.needs import program
from tests.serving.test_arrow import stream_of, table_of
from tests.serving.toy import SCORECARD
from tests.waiting import LONGEST_WAIT

EXAMPLE = dict(SCORECARD.example)
DECLINED = EXAMPLE | {"PAY_0": 6}
APPROVED = EXAMPLE | {"PAY_2": -2, "PAY_6": -2, "PAY_0": -2, "LIMIT_BAL": 1_000_000}
BROKEN = EXAMPLE | {"LIMIT_BAL": -5}
BATCH = {"applications": [EXAMPLE, BROKEN, DECLINED]}
PACKAGE = "client_of_the_document"
OUTCOMES = {"outcomes": [{"decision_id": "unknown", "defaulted": 1, "observed_on": "2026-09-30"}]}


@pytest.fixture(scope="module")
def bento_client(server: Server) -> Iterator[Any]:
    with bentoml.SyncHTTPClient(server.url, timeout=LONGEST_WAIT) as client:
        yield client
        # It leaves its temporary folder to the garbage collector.
        client._temp_dir.cleanup()


TYPED: dict[str, list[dict[str, Any]]] = {
    "predict": [EXAMPLE, DECLINED, APPROVED],
    "predict_batch": [BATCH],
    "explain": [EXAMPLE, DECLINED, APPROVED],
    "outcomes": [OUTCOMES],
}


def test_bentoml_s_client_offers_the_typed_methods(bento_client: Any) -> None:
    assert set(bento_client.endpoints) == set(TYPED)


@pytest.mark.parametrize("method", TYPED)
def test_bentoml_s_client_reads_the_answers_of_every_typed_method(
    server: Server, bento_client: Any, method: str
) -> None:
    for body in TYPED[method]:
        answer = getattr(bento_client, method)(body)
        assert without_ids(answer) == without_ids(server.post(f"/{method}", body).json())


def test_bentoml_s_client_raises_what_a_refusal_says(bento_client: Any) -> None:
    with pytest.raises(BentoMLException) as raised:
        bento_client.explain(BROKEN)
    assert raised.value.error_code == HTTPStatus.UNPROCESSABLE_ENTITY
    assert json.loads(str(raised.value))["errors"][0]["field"] == "LIMIT_BAL"


def test_answers_obey_the_schema_that_bentoml_s_clients_read(server: Server, bento_client: Any) -> None:
    for method, bodies in TYPED.items():
        schema = bento_client.endpoints[method].output
        for body in bodies:
            Draft202012Validator(schema).validate(server.post(f"/{method}", body).json())


def without_ids(answer: Any) -> Any:
    decisions = [answer] if "decision_id" in answer else answer.get("decisions", [])
    for decision in filter(None, decisions):
        assert decision.pop("decision_id")
        assert decision.pop("decided_at")
    return answer


def test_the_document_is_valid_openapi(server: Server) -> None:
    OpenAPIV31SpecValidator(server.get("/docs.json").json()).validate()


@pytest.fixture(scope="module")
def generated(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, ModuleType]]:
    """The modules of a client that openapi-python-client makes of the document, by operation; each has one call."""
    command = program("openapi-python-client", ".ci/prepare brings it", folder=f"{PROJECT}/.openapi-client/bin")
    folder = tmp_path_factory.mktemp("generated")
    (folder / "document.json").write_bytes(server.get("/docs.json").content)
    # It takes bytes for this type only where it is told to.
    (folder / "settings.json").write_text(
        json.dumps({"content_type_overrides": {"application/vnd.apache.arrow.stream": "application/octet-stream"}})
    )
    options = f"--path document.json --config settings.json --meta none --output-path {PACKAGE} --fail-on-warning"
    # It formats with the Ruff next to it.
    environment = {"PATH": str(Path(command).parent)}
    made = subprocess.run(
        [command, "generate", *options.split()],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert made.returncode == 0, made.stdout + made.stderr
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(folder)
        modules = [
            importlib.import_module(module.name)
            for module in pkgutil.walk_packages([str(folder / PACKAGE / "api")], f"{PACKAGE}.api.")
            if not module.ispkg
        ]
        yield {module.__name__.rpartition(".")[2]: module for module in modules}


def calls(models: ModuleType) -> dict[str, list[dict[str, Any]]]:
    """The arguments to call each operation with."""
    application = models.CardApplication.from_dict
    stream = importlib.import_module(f"{PACKAGE}.types").File(stream_of(table_of([EXAMPLE] * 2)))
    return {
        "scorebox_predict": [
            {"body": application(EXAMPLE), "reasons": "all", "idempotency_key": "made-1", "applicant_id": "anna"},
            {"body": application(APPROVED)},
        ],
        "scorebox_predict_batch": [{"body": models.Batch.from_dict(BATCH)}, {"body": stream}],
        "scorebox_explain": [{"body": application(body)} for body in (EXAMPLE, DECLINED, APPROVED)],
        "scorebox_outcomes": [{"body": models.Outcomes.from_dict(OUTCOMES)}],
        **{name: [{}] for name in ("reload", "model_info", "health", "metrics", "livez", "readyz", "healthz")},
    }


@pytest.fixture
def made_client(server: Server, generated: dict[str, ModuleType]) -> Iterator[Any]:
    package = importlib.import_module(PACKAGE)
    with package.AuthenticatedClient(server.url, RELOAD_TOKEN, timeout=None, verify_ssl=False) as client:
        yield client


def test_a_client_made_from_the_document_calls_every_route_and_reads_every_answer(
    generated: dict[str, ModuleType], made_client: Any
) -> None:
    by_operation = calls(importlib.import_module(f"{PACKAGE}.models"))
    assert set(generated) == set(by_operation)
    for name, module in generated.items():
        for arguments in by_operation[name]:
            response = module.sync_detailed(client=made_client, **arguments)
            assert response.status_code == HTTPStatus.OK, (name, response.content)
            if isinstance(response.parsed, str):
                assert response.parsed == response.content.decode(), name
            else:
                assert response.parsed.to_dict() == json.loads(response.content), name


def test_a_client_made_from_the_document_reads_a_refusal(generated: dict[str, ModuleType], made_client: Any) -> None:
    models = importlib.import_module(f"{PACKAGE}.models")
    body = models.CardApplication.from_dict(BROKEN)
    for name in ("scorebox_predict", "scorebox_explain"):
        refusal = generated[name].sync(client=made_client, body=body)
        assert (type(refusal), refusal.status, refusal.errors[0].field) == (models.Problem, 422, "LIMIT_BAL")
