"""home_credit served: known clients and thin files over HTTP, by both doors."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest

from loadtests.server import free_port
from tests.conftest import Project
from tests.e2e.server import BENTOML, ROOT, Server, serve
from tests.home_credit import CARD, UNKNOWN, bodies, publish
from tests.serving.test_arrow import STREAM, stream_of
from tests.serving.toy import environment
from tests.waiting import LONGEST_WAIT

EXAMPLE: dict[str, Any] = dict(CARD.example)
THIN = EXAMPLE | {CARD.key: UNKNOWN}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("home_credit")
    publish(folder)
    return folder


@contextmanager
def serving(home: Path, target: str = "service:Scorebox") -> Iterator[Server]:
    history = str(home / "history.sqlite")
    # Two servers share the home; each has a journal of its own.
    journal = str(home / target.replace(":", "-"))
    with serve(
        home, target, SCOREBOX_SCORECARD=CARD.name, SCOREBOX_HISTORY=history, SCOREBOX_JOURNAL=journal
    ) as running:
        yield running


@pytest.fixture(scope="module")
def server(home: Path) -> Iterator[Server]:
    with serving(home) as running:
        yield running


@pytest.mark.slow
def test_the_example_is_known_and_another_client_is_a_thin_file(server: Server) -> None:
    known, thin = server.post("/predict", EXAMPLE).json(), server.post("/predict", THIN).json()
    assert (known["thin_file"], thin["thin_file"]) == (False, True)
    assert known["pd"] != thin["pd"]
    metrics = server.get("/metrics").text
    assert 'scorebox_thin_files_total{scorecard="home_credit",variant="fp32"} 1.0' in metrics


def test_tables_get_the_decisions_that_json_gets(server: Server, home: Path) -> None:
    frame = pd.read_parquet(home / "clients.parquet")[list(CARD.columns)]
    frame.loc[3, CARD.key] = UNKNOWN
    by_json = server.post("/predict_batch", {"applications": bodies(frame)}).json()
    table = stream_of(pa.Table.from_pandas(frame, preserve_index=False))
    by_table = server.post("/predict_batch", table, **{"content-type": STREAM}).json()
    for name in ("pd", "thin_file", "decision"):
        assert [row[name] for row in by_table["decisions"]] == [row[name] for row in by_json["decisions"]]
    assert [row["thin_file"] for row in by_json["decisions"]].count(True) == 1
    assert by_json["errors"] == by_table["errors"] == []


def test_the_service_tells_of_its_history(server: Server) -> None:
    info = server.get("/model_info").json()
    assert info["history"]["clients"] == 1_000
    assert info["history"]["snapshot_sha256"] == info["data"]["sha256"]
    schemas = server.get("/docs.json").json()["components"]["schemas"]
    assert "thin_file" in schemas["HistoryDecision"]["properties"]
    assert "SK_ID_CURR" in schemas[CARD.application.__name__]["properties"]


@pytest.mark.slow
def test_the_sentinel_is_permitted_and_its_neighbours_are_not(server: Server) -> None:
    assert server.post("/predict", EXAMPLE | {"DAYS_EMPLOYED": 365_243}).status_code == 200
    refused = server.post("/predict", EXAMPLE | {"DAYS_EMPLOYED": 365_242})
    assert refused.status_code == 422
    assert refused.json()["errors"][0]["field"] == "DAYS_EMPLOYED"


@pytest.mark.slow
def test_the_typed_methods_answer_like_the_face(server: Server, home: Path) -> None:
    with serving(home, "tests.e2e.typed_only:Scorebox") as typed:
        for body in (EXAMPLE, THIN):
            answers = [of.post("/predict", body).json() for of in (server, typed)]
            for answer in answers:
                assert answer.pop("decision_id")
                assert answer.pop("decided_at")
            assert answers[0] == answers[1]
        batch = {"applications": [EXAMPLE, THIN]}
        rows = typed.post("/predict_batch", batch).json()["decisions"]
        assert [row["thin_file"] for row in rows] == [False, True]


@pytest.mark.slow
def test_without_its_history_the_service_does_not_start(home: Path) -> None:
    env = environment(home) | {
        "SCOREBOX_SCORECARD": CARD.name,
        "SCOREBOX_RELEASE": str(home / "release.json"),
        "SCOREBOX_HISTORY": str(home / "none.sqlite"),
    }
    command = [*BENTOML, "serve", "service:Scorebox", "--port", str(free_port())]
    failed = subprocess.run(
        command, cwd=ROOT, env=env, capture_output=True, text=True, check=False, timeout=LONGEST_WAIT
    )
    assert failed.returncode != 0
    assert "scorebox cannot start: there is no history at" in failed.stdout + failed.stderr


@pytest.mark.slow
def test_a_build_of_sample_data_is_served_as_it_stands(project: Project) -> None:
    """`scorebox build` writes release and history where the service looks for them."""
    import yaml

    from tests.conftest import PROJECT

    params = yaml.safe_load((PROJECT / "params.yaml").read_text())
    small = params["scorecards"][CARD.name]
    small["sample_rows"] = 2_000
    small["candidates"] = {"boosting": small["candidates"]["boosting"]}
    small["gates"] |= {"expected_calibration_error": 0.5, "reasons_microseconds": 1e9}
    small["promotion"] |= {
        "lowest_auc": 0.5, "brier": 1, "expected_calibration_error": 1, "approval_gap": 1,
        "microseconds_1": 1e9, "microseconds_256": 1e9, "reasons_reach": 0,
    }  # fmt: skip
    kept = {"profiles": params["profiles"], "scorecards": {CARD.name: small}}
    (project.folder / "params.yaml").write_text(yaml.safe_dump(kept, sort_keys=False))
    project.scorebox("build", CARD.name, "--profile", "quick")
    for name in ("service.py", "scoring", "serving"):
        (project.folder / name).symlink_to(ROOT / name)
    with serve(project.store, folder=project.folder, release=False, SCOREBOX_SCORECARD=CARD.name) as built:
        assert built.post("/predict", EXAMPLE).json()["thin_file"] is False
        assert built.post("/predict", THIN).json()["thin_file"] is True
