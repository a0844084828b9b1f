"""A scorecard with a history: known clients, thin files, and a store that is away."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa
import pytest

from pipelines.watch.history import fill
from scoring.decision import Decision
from scoring.history.opening import open_history
from scoring.history.store import HistoryStore
from scoring.models import Release
from scoring.policy import CutoffPolicy
from serving.settings import Settings
from serving.startup import LoadedModel, StartupConfig
from tests.histories import CLIENTS, READ, SCORECARD, SNAPSHOT, RedisServer, filled, model, redis_server, workspace
from tests.serving.conftest import Service
from tests.serving.test_arrow import STREAM, stream_of
from tests.serving.test_metrics import exposed, growth

pytestmark = pytest.mark.anyio

EXAMPLE: dict[str, Any] = dict(SCORECARD.example)
UNKNOWN = EXAMPLE | {"CLIENT": 5}


def startup_config(history: HistoryStore) -> StartupConfig:
    stored = model()
    release = Release(scorecard=SCORECARD.name, version="1", serving="fp32", tags={"fp32": stored.record.tag})
    return StartupConfig(Settings(), SCORECARD, release, LoadedModel(stored, history), CutoffPolicy.of(SCORECARD))


@pytest.fixture
async def service(make_service: Callable[..., Service], tmp_path: Path) -> Service:
    return make_service(startup_config(open_history(str(filled(tmp_path)), SCORECARD, READ)))


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[RedisServer]:
    with redis_server(tmp_path) as server:
        fill(SCORECARD, workspace(tmp_path), server.address)
        yield server


async def test_an_unknown_client_is_scored_with_the_defaults_and_marked(service: Service) -> None:
    known, unknown = [(await service.client.post("/predict", json=body)).json() for body in (EXAMPLE, UNKNOWN)]
    assert (known["thin_file"], unknown["thin_file"]) == (False, True)
    assert known["pd"] > unknown["pd"], "the known one was late once"
    without = await service.client.post("/predict", json=EXAMPLE | {"CLIENT": CLIENTS[2]})
    # Nothing but its name is known of the third client, so it has the defaults too; yet it is known.
    assert (without.json()["pd"], without.json()["thin_file"]) == (unknown["pd"], False)


async def test_batches_and_tables_mark_each_row(service: Service) -> None:
    rows: list[dict[str, Any]] = [EXAMPLE, UNKNOWN, EXAMPLE | {"PURPOSE": "boat"}, EXAMPLE | {"INCOME": None}]
    by_json = (await service.client.post("/predict_batch", json={"applications": rows})).json()
    table = stream_of(pa.table({name: pa.array([row[name] for row in rows]) for name in EXAMPLE}))
    by_table = await service.client.post("/predict_batch", content=table, headers={"content-type": STREAM})
    by_arrow = await service.client.post(
        "/predict_batch", content=table, headers={"content-type": STREAM, "accept": STREAM}
    )
    arrow = pa.ipc.open_stream(by_arrow.content).read_all()
    marks = [row and row["thin_file"] for row in by_json["decisions"]]
    assert marks == [row and row["thin_file"] for row in by_table.json()["decisions"]]
    assert marks == arrow.column("thin_file").to_pylist() == [False, True, None, False]
    assert [row and row["pd"] for row in by_json["decisions"]] == arrow.column("pd").to_pylist()


async def test_thin_files_are_counted(service: Service) -> None:
    before = await exposed(service)
    await service.client.post("/predict_batch", json={"applications": [EXAMPLE, UNKNOWN, UNKNOWN]})
    after = await exposed(service)
    assert growth(before, after, "scorebox_thin_files_total") == {"{scorecard=toy_history,variant=fp32}": 2.0}
    assert sum(growth(before, after, "scorebox_predictions_total").values()) == 3


async def test_model_info_tells_what_the_history_was_made_from(service: Service) -> None:
    told = (await service.client.get("/model_info")).json()["history"]
    assert (told["clients"], told["snapshot_sha256"]) == (3, SNAPSHOT)
    assert told["created_at"].endswith("+00:00")


async def test_the_openapi_document_has_the_mark_for_this_scorecard_alone(
    service: Service, make_service: Callable[..., Service]
) -> None:
    def document(of: Service) -> dict[str, Any]:
        made: dict[str, Any] = orjson.loads(of.core.openapi())
        return made

    def answer(of: dict[str, Any]) -> dict[str, Any]:
        content = of["paths"]["/predict"]["post"]["responses"]["200"]["content"]["application/json"]
        schema: dict[str, Any] = of["components"]["schemas"][content["schema"]["$ref"].rpartition("/")[2]]
        return schema

    with_history, without = answer(document(service)), answer(document(make_service()))
    assert set(with_history["required"]) - set(without["required"]) == {"thin_file"}
    assert set(without["properties"]) == set(Decision.model_fields)


async def test_without_its_history_nobody_is_scored(
    redis: RedisServer, make_service: Callable[..., Service], tmp_path: Path
) -> None:
    service = make_service(startup_config(open_history(redis.address, SCORECARD, READ)))
    assert (await service.client.post("/predict", json=EXAMPLE)).json()["thin_file"] is False
    before = await exposed(service)
    redis.stop()
    table = stream_of(pa.table({name: [value] for name, value in EXAMPLE.items()}))
    answers = await asyncio.gather(
        *(service.client.post("/predict", json=EXAMPLE) for _ in range(3)),
        service.client.post("/predict_batch", json={"applications": [EXAMPLE]}),
        service.client.post("/predict_batch", content=table, headers={"content-type": STREAM}),
    )
    for answer in answers:
        assert answer.status_code == 503
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.headers["retry-after"] == "1"
        assert "the history store does not answer" in answer.json()["detail"]
    after = await exposed(service)
    assert growth(before, after, "scorebox_history_failures_total") == {"{}": 5.0}
    redis.start()
    fill(SCORECARD, workspace(tmp_path), redis.address)
    assert (await service.client.post("/predict", json=EXAMPLE)).json()["thin_file"] is False
