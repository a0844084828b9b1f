"""From made-up data to an answer: what training wrote is what the server says."""

from __future__ import annotations

import io
import shutil
from pathlib import Path

import httpx
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines.stages.train import load_trained
from pipelines.workspace import Workspace
from scoring.scorecards import load
from tests.conftest import Project
from tests.e2e.server import serve
from tests.waiting import PATIENT
from training.graph.frontend import feature_matrix
from training.graph.inputs import graph_inputs

CARD = load("card_default")
ROWS = 200


def test_the_server_gives_the_pd_that_training_gave(trained_project: Project, tmp_path: Path) -> None:
    """The same rows by training's own model, by JSON one at a time, in a batch and as Arrow: the same bits."""
    workspace = Workspace("card_default", "full", root=trained_project.folder / "artifacts")
    rows = pq.read_table(workspace.test).slice(0, ROWS).select(list(CARD.columns))
    home = Path(shutil.copytree(trained_project.store, tmp_path / "home"))
    shutil.copy(trained_project.folder / "releases" / "card_default.json", home / "release.json")
    stream = io.BytesIO()
    with pa.ipc.new_stream(stream, rows.schema) as writer:
        writer.write_table(rows)

    with serve(home, SCOREBOX_VARIANT="fp32") as server, httpx.Client(base_url=server.url, **PATIENT) as client:
        info = client.get("/model_info").json()
        alone = [client.post("/predict", json=row).json()["pd"] for row in rows.slice(0, 20).to_pylist()]
        batch = client.post("/predict_batch", json={"applications": rows.to_pylist()}).json()["decisions"]
        table = client.post(
            "/predict_batch",
            content=stream.getvalue(),
            headers={"content-type": "application/vnd.apache.arrow.stream"},
        ).json()["decisions"]

    assert (info["variant"], info["data_label"]) == ("fp32", "SAMPLE DATA")
    served = np.array([row["pd"] for row in batch], dtype=np.float32)
    assert served.tobytes() == np.array([row["pd"] for row in table], dtype=np.float32).tobytes()
    assert served[:20].tobytes() == np.array(alone, dtype=np.float32).tobytes()
    assert {row["model"] for row in batch} == {info["model"]}

    trained = load_trained(workspace)
    specification = trained.specification
    blocks = CARD.features[specification.features](specification.protected_fields)
    inputs = graph_inputs(rows.to_pandas(), specification.columns, CARD.text_columns)
    log_odds = trained.model.log_odds(feature_matrix(blocks, specification.columns, inputs))
    assert served == pytest.approx(trained.calibration.pd(log_odds), abs=2e-6)
