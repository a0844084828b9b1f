"""The journal has every answered decision, and none is answered that the journal does not take."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from http import HTTPStatus
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pytest
from inline_snapshot import snapshot

from scoring.journal.limits import JournalLimits
from scoring.journal.reader import JournalReader
from scoring.journal.schema import NO_PROOF
from scoring.journal.writer import Journal
from tests.serving.conftest import Service, startup_config
from tests.serving.test_arrow import STREAM, post, stream_of, table_of
from tests.serving.test_metrics import exposed, growth
from tests.serving.toy import COLUMNS, SCORECARD

pytestmark = pytest.mark.anyio

GOOD = {"PAY_2": -2, "PAY_6": -2, "PAY_0": -2, "LIMIT_BAL": 1_000_000}


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    made = Journal(tmp_path / "journal", JournalLimits())
    made.open()
    return made


@pytest.fixture
async def service(make_service: Callable[..., Service], journal: Journal) -> Service:
    return make_service(startup_config(journal=journal))


async def test_a_decision_is_kept_with_all_that_made_it(
    service: Service, journal: Journal, example: dict[str, Any]
) -> None:
    headers = {"X-Request-ID": "r-1", "Applicant-ID": "client-7"}
    answer = (await service.client.post("/predict", json=example, headers=headers)).json()
    (record,) = JournalReader(journal.folder).decisions()
    assert record.is_sealed(NO_PROOF)
    assert record.decision_id == answer["decision_id"]
    assert record.decided_at == answer["decided_at"]
    assert (record.request_id, record.applicant) == ("r-1", "client-7")
    assert (record.pd, record.points, record.band) == (answer["pd"], answer["points"], answer["band"])
    assert record.declined
    assert record.reasons == tuple(f"{reason['code']}.{reason['statement']}" for reason in answer["reasons"])
    assert record.contributions is not None
    stated = dict(zip(record.basis.groups, record.contributions.tolist(), strict=True))
    assert {reason["code"]: reason["contribution"] for reason in answer["reasons"]}.items() <= stated.items()
    assert record.values == {name: pytest.approx(value) for name, value in example.items()}
    read = np.array([[example[name] for name in COLUMNS]], dtype="<f4")
    assert record.inputs == read.tobytes()
    info = (await service.client.get("/model_info")).json()
    basis = record.basis
    assert (basis.model, basis.graph_sha256, basis.policy, basis.cutoff) == (
        info["model"], info["graph_sha256"], info["policy"], info["cutoff"]
    )  # fmt: skip
    assert set(basis.runtime) == {"python", "onnxruntime", "numpy", "machine", "processor"}


async def test_a_whole_number_is_kept_as_one_however_it_was_written(
    service: Service, journal: Journal, example: dict[str, Any]
) -> None:
    floats = {name: float(value) for name, value in example.items()}
    for body in (example, floats):
        await service.client.post("/predict", json=body)
        await service.client.post("/predict_batch", json={"applications": [body]})
    records = list(JournalReader(journal.folder).decisions())
    assert {record.inputs for record in records} == {records[0].inputs}
    for record in records:
        kinds = {name: type(value) for name, value in record.values.items()}
        assert all(kinds[rule.column] is int for rule in SCORECARD.rules if rule.kind == "integer")


async def test_batches_and_tables_are_kept_row_by_row(
    service: Service, journal: Journal, example: dict[str, Any]
) -> None:
    rows = [example, example | {"AGE": 5}, example | GOOD]
    by_json = (await service.client.post("/predict_batch", json={"applications": rows})).json()["decisions"]
    by_table = (await post(service, stream_of(table_of(rows)))).json()["decisions"]
    records = list(JournalReader(journal.folder).decisions())
    answered = [row["decision_id"] for row in by_json + by_table if row]
    assert [record.decision_id for record in records] == answered
    assert records[0].inputs == records[2].inputs
    assert {key: value for key, value in records[2].values.items() if value is not None} == records[0].values


async def test_many_callers_share_a_commit_and_each_is_kept_under_its_own_request(
    service: Service, journal: Journal, example: dict[str, Any]
) -> None:
    before = await exposed(service)
    sent = [
        service.client.post("/predict", json=example, headers={"X-Request-ID": f"r-{number}"}) for number in range(40)
    ]
    answers = [answer.json()["decision_id"] for answer in await asyncio.gather(*sent)]
    kept = {record.decision_id: record.request_id for record in JournalReader(journal.folder).decisions()}
    assert kept == {name: f"r-{number}" for number, name in enumerate(answers)}
    commits = growth(before, await exposed(service), "scorebox_journal_commit_seconds_count")["{}"]
    assert 1 <= commits < 40


async def test_the_same_request_under_a_key_is_decided_once(
    service: Service, journal: Journal, example: dict[str, Any]
) -> None:
    headers = {"Idempotency-Key": "order-1"}
    sent = [service.client.post("/predict", json=example, headers=headers) for _ in range(5)]
    answers = [answer.content for answer in await asyncio.gather(*sent)]
    answers.append((await service.client.post("/predict", json=example, headers=headers)).content)
    assert len(set(answers)) == 1
    assert len(list(JournalReader(journal.folder).decisions())) == 1


async def test_the_same_batch_under_a_key_gets_the_same_decisions(
    make_service: Callable[..., Service], journal: Journal, example: dict[str, Any]
) -> None:
    # Decided in parts of two rows.
    service = make_service(startup_config(journal=journal, max_batch_size=2))
    body = {"applications": [example, example | {"AGE": 5}, example | GOOD, example, example]}
    headers = {"Idempotency-Key": "order-2"}
    first, second = [await service.client.post("/predict_batch", json=body, headers=headers) for _ in range(2)]
    assert first.content == second.content
    assert len(list(JournalReader(journal.folder).decisions())) == 4


async def test_a_key_outlives_the_server(
    make_service: Callable[..., Service], journal: Journal, example: dict[str, Any]
) -> None:
    headers = {"Idempotency-Key": "order-3"}
    first = make_service(startup_config(journal=journal))
    answer = await first.client.post("/predict", json=example, headers=headers)
    await first.core.close()
    again = Journal(journal.folder)
    again.open()
    second = make_service(startup_config(journal=again))
    assert (await second.client.post("/predict", json=example, headers=headers)).content == answer.content


async def test_a_key_with_another_request_is_a_conflict(
    service: Service, journal: Journal, example: dict[str, Any]
) -> None:
    headers = {"Idempotency-Key": "order-4"}
    await service.client.post("/predict", json=example, headers=headers)
    for path, body in (
        ("/predict", example | GOOD),
        ("/predict?reasons=all", example),
        ("/predict_batch", {"applications": [example]}),
    ):
        response = await service.client.post(path, json=body, headers=headers)
        assert response.status_code == 409, path
        assert response.json() == snapshot(
            {
                "type": "about:blank",
                "title": "Conflict",
                "status": 409,
                "detail": "the Idempotency-Key stands for another request or applicant: give this one its own key",
            }
        )
    assert len(list(JournalReader(journal.folder).decisions())) == 1


async def test_a_conflict_does_not_stand_in_the_way_of_the_request_that_has_the_key(
    service: Service, journal: Journal, example: dict[str, Any]
) -> None:
    headers = {"Idempotency-Key": "order-6"}
    answer = (await service.client.post("/predict", json=example, headers=headers)).content
    other, same = await asyncio.gather(
        service.client.post("/predict", json=example | GOOD, headers=headers),
        service.client.post("/predict", json=example, headers=headers),
    )
    assert (other.status_code, same.content) == (409, answer)


@pytest.mark.parametrize("header", ["Idempotency-Key", "Applicant-ID"])
async def test_a_name_that_is_none_is_refused(service: Service, example: dict[str, Any], header: str) -> None:
    for name in ("", "two words", "x" * 129, "zażółć".encode().decode("latin-1")):
        response = await service.client.post(
            "/predict", json=example, headers={header.encode(): name.encode("latin-1")}
        )
        assert (response.status_code, response.json()["errors"]) == (
            422,
            [
                {
                    "field": header,
                    "rule": "string_pattern_mismatch",
                    "message": "Header should have 1 to 128 letters, digits and ._:/+=@-",
                }
            ],
        )


@pytest.mark.parametrize(
    ("query", "field", "rule"),
    [
        ("reasons=some", "reasons", "literal_error"),
        ("reasons", "reasons", "literal_error"),
        ("explain=all", "explain", "extra_forbidden"),
        ("reasons=all&x=%ff", "x", "extra_forbidden"),
    ],
)
async def test_a_query_that_means_nothing_is_refused(
    service: Service, example: dict[str, Any], query: str, field: str, rule: str
) -> None:
    response = await service.client.post(f"/predict?{query}", json=example)
    assert response.status_code == 422
    assert [(error["field"], error["rule"]) for error in response.json()["errors"]] == [(field, rule)]


async def test_without_a_journal_a_key_is_refused_and_the_rest_answered(
    make_service: Callable[..., Service], example: dict[str, Any]
) -> None:
    service = make_service()
    response = await service.client.post("/predict", json=example, headers={"Idempotency-Key": "order-5"})
    assert (response.status_code, response.json()["detail"]) == snapshot(
        (HTTPStatus.BAD_REQUEST, "the journal is off, and without it no Idempotency-Key can be kept")
    )
    assert (await service.client.post("/predict", json=example)).status_code == 200
    assert (await service.client.get("/model_info")).json()["journal"] == "off"


async def test_what_the_journal_does_not_take_is_not_answered(
    service: Service, journal: Journal, example: dict[str, Any]
) -> None:
    assert (await service.client.post("/predict", json=example)).status_code == 200
    # Another process holds the file for longer than anybody waits: SQLite's own answer to a disk that fails.
    assert journal._connection is not None
    journal._connection.execute("PRAGMA busy_timeout = 10")
    (segment,) = journal.folder.glob("*.sqlite")
    holder = sqlite3.connect(segment, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    before = await exposed(service)
    for path, body in (("/predict", example), ("/predict_batch", {"applications": [example, example]})):
        response = await service.client.post(path, json=body)
        assert response.headers["retry-after"] == "1"
        assert response.json() == snapshot(
            {
                "type": "about:blank",
                "title": "Service Unavailable",
                "status": 503,
                "detail": "the decision cannot be kept, so none was made; send the request again later",
            }
        )
    assert growth(before, await exposed(service), "scorebox_journal_failures_total") == {"{}": 2}
    assert "scorebox_predictions_total" not in str(growth(before, await exposed(service), "scorebox_predictions_total"))
    holder.execute("ROLLBACK")
    holder.close()
    assert (await service.client.post("/predict", json=example)).status_code == 200
    records = list(JournalReader(journal.folder).decisions())
    assert [record.sequence for record in records] == [1, 2]


async def test_every_reason_is_given_where_it_is_asked_for(
    service: Service, journal: Journal, example: dict[str, Any]
) -> None:
    body = example | GOOD
    plain = (await service.client.post("/predict", json=body)).json()
    asked = (await service.client.post("/predict?reasons=all", json=body)).json()
    assert (plain["decision"], plain["reasons"]) == ("approve", [])
    assert "contributions" not in plain
    assert list(asked["contributions"]) == [group.code for group in SCORECARD.reasons]
    batch = await service.client.post("/predict_batch?reasons=all", json={"applications": [body, example]})
    first, second = batch.json()["decisions"]
    assert first["contributions"] == asked["contributions"]
    assert set(second["contributions"]) == set(asked["contributions"])
    records = list(JournalReader(journal.folder).decisions())
    assert [record.contributions is None for record in records] == [True, False, False, False]


async def test_a_table_has_reasons_and_contributions_too(service: Service, example: dict[str, Any]) -> None:
    import pyarrow as pa

    body = stream_of(table_of([example, example | GOOD]))
    response = await service.client.post(
        "/predict_batch?reasons=all", content=body, headers={"content-type": STREAM, "accept": STREAM}
    )
    table = pa.ipc.open_stream(response.content).read_all()
    batch = {"applications": [example, example | GOOD]}
    by_json = (await service.client.post("/predict_batch?reasons=all", json=batch)).json()["decisions"]
    for row, expected in zip(table.to_pylist(), by_json, strict=True):
        codes = table.schema.metadata[b"groups"].decode().split(",")
        assert dict(zip(codes, row["contributions"], strict=True)) == pytest.approx(expected["contributions"])
        assert [reason["code"] for reason in row["reasons"]] == [reason["code"] for reason in expected["reasons"]]


async def test_an_explanation_adds_up_and_nothing_of_it_is_kept(
    service: Service, journal: Journal, example: dict[str, Any]
) -> None:
    late = example | {"PAY_0": 3, "PAY_2": 0, "PAY_6": 0}
    await service.client.post("/predict", json=late)
    explained = (await service.client.post("/explain", json=late)).json()
    decided = (await service.client.post("/predict?reasons=all", json=late)).json()
    assert (explained["pd"], explained["decision"]) == (decided["pd"], decided["decision"])
    assert {group["code"]: group["contribution"] for group in explained["contributions"]} == decided["contributions"]
    total = sum(group["contribution"] for group in explained["contributions"])
    assert total == pytest.approx(explained["log_odds"] - explained["reference_log_odds"], abs=1e-5)
    change = explained["counterfactual"]
    assert change["found"]
    changed = late | {item["field"]: item["to"] for item in change["changes"]}
    approved = (await service.client.post("/predict", json=changed)).json()
    assert (approved["decision"], approved["pd"]) == ("approve", change["pd"])
    assert len(list(JournalReader(journal.folder).decisions())) == 3


async def test_the_explanation_of_an_approval_has_no_counterfactual(service: Service, example: dict[str, Any]) -> None:
    explained = (await service.client.post("/explain", json=example | GOOD)).json()
    assert (explained["decision"], explained["counterfactual"]) == ("approve", None)


async def test_a_broken_application_is_not_explained(service: Service, example: dict[str, Any]) -> None:
    response = await service.client.post("/explain", json=example | {"PAY_0": "late"})
    assert response.status_code == 422
    plain = await service.client.post("/explain", content=orjson.dumps(example), headers={"content-type": "text/plain"})
    assert plain.status_code == 415
