"""The peers score as the graph does, over real HTTP."""

from __future__ import annotations

import json
from pathlib import Path

import httpx
import numpy as np
import pytest

from loadtests.contenders import FASTAPI, PEERS, Contender
from loadtests.served import Served, bento_home
from loadtests.server import running
from loadtests.traffic import batch_body, sample_applications
from scoring.frames import Frame
from scoring.graph import Graph
from scoring.models import ModelRecord
from tests.serving.toy import COLUMNS, SCORECARD, record
from tests.serving.toy import content as toy_content
from tests.waiting import PATIENT


@pytest.fixture
def served(tmp_path: Path) -> Served:
    """A model that is not in any store: peers read the graph's file."""
    content = toy_content()
    (tmp_path / "model.onnx").write_bytes(content.graph)
    entry: ModelRecord = record("fp32", content, COLUMNS)
    return Served(tmp_path / "release.json", entry.tag, "fp32", entry, tmp_path / "model.onnx", tmp_path)


def expected(count: int) -> tuple[list[dict[str, float | int | str]], list[float]]:
    applications = [dict(one) for one in sample_applications(SCORECARD, count)]
    frame = Frame(SCORECARD, COLUMNS)
    models = [SCORECARD.application.model_validate(one) for one in applications]
    pds: list[float] = Graph(toy_content().graph).score(frame.inputs(models)).tolist()
    return applications, pds


@pytest.mark.parametrize(
    "contender",
    [pytest.param(one, id=one.key, marks=[] if one is FASTAPI else [pytest.mark.slow]) for one in PEERS],
)
def test_peers_give_the_graphs_pd(served: Served, tmp_path: Path, contender: Contender) -> None:
    applications, pds = expected(20)
    with (
        bento_home() as home,
        running(contender.command(served, home, tmp_path / "journal"), tmp_path / "log") as server,
        httpx.Client(base_url=server.host, **PATIENT, headers={"Content-Type": "application/json"}) as client,
    ):
        for application, pd in zip(applications, pds, strict=True):
            response = client.post("/predict", content=contender.body(application))
            assert response.status_code == 200
            assert np.float32(contender.pd(response.content)) == np.float32(pd)
        bad = client.post("/predict", content=contender.body({**applications[0], "no_such_field": 1}))
        assert bad.status_code in (400, 422)
        if contender.json_batches:
            batch = client.post("/predict_batch", content=batch_body(applications, 20))
            decisions = json.loads(batch.content)["decisions"]
            assert [np.float32(one["pd"]) for one in decisions] == [np.float32(pd) for pd in pds]
