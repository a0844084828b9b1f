"""Replay of what real models decided: text and missing values, a service over HTTP, a hundred thousand decisions."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import httpx
import numpy as np
import pyarrow.parquet as pq
import pytest
from bentoml._internal.configuration.containers import BentoMLContainer
from bentoml._internal.models import ModelStore

from pipelines.journal.replay import replay
from scoring import models
from scoring.graph import sha256
from scoring.journal.reader import JournalReader
from scoring.models import DataRecord, ModelRecord, StoredModel
from scoring.scorecard import Scorecard
from scoring.scorecards import load
from tests.conftest import Project
from tests.e2e.server import serve
from tests.here import scorebox_here
from tests.pipelines.journaled import decide, sample_applications
from tests.scoring.journal import forged
from tests.training.graph import explained
from tests.training.graph.explained import Case
from tests.waiting import PATIENT

CARD = load("card_default")
ROWS = 300
MANY = 100_000


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Path]:
    """An empty model store of this process."""
    folder = tmp_path / "store"
    folder.mkdir()
    BentoMLContainer.model_store.set(ModelStore(folder))
    yield folder
    BentoMLContainer.model_store.reset()


def pushed(case: Case) -> StoredModel:
    """The model as it comes from the store."""
    record = ModelRecord(
        scorecard=case.card.name,
        version="1",
        variant="fp32",
        family="forest",
        graph_sha256=sha256(case.content),
        explain_sha256=sha256(case.explain),
        columns=case.columns,
        cutoff=case.card.cutoff,
        data=DataRecord(sha256="0" * 64, rows=1, default_share=0.3, sample=True),
        metrics={},
        git_revision="",
        mlflow_run_id="",
        libraries={},
    )
    models.push(record, case.both)
    return models.load(record.tag)


@pytest.mark.parametrize("case", [explained.german_credit, explained.plan], ids=["german_credit", "plan"])
@pytest.mark.parametrize("family", ["forest", "catboost"])
def test_text_and_missing_values_replay_to_the_bit(case: object, family: str, store: Path, tmp_path: Path) -> None:
    made: Case = case(family)  # type: ignore[operator]  # cached functions have no common type
    model = pushed(made)
    assert model.graph.text_columns
    applications = sample_applications(made.card, made.columns, ROWS)
    # One batch was decided alone, the others as they came.
    decide(tmp_path / "journal", made.card, model, applications[:1])
    decide(tmp_path / "journal", made.card, model, applications[1:], at_a_time=7, every_reason=True)
    assert replayed(made.card, tmp_path / "journal") == {"same": ROWS}

    records = list(JournalReader(tmp_path / "journal").decisions())
    assert any(set(model.graph.columns) - set(record.values) for record in records) is (made.card is explained.PLAN)


def replayed(card: Scorecard, folder: Path) -> dict[str, int]:
    """How many decisions came to which verdict."""
    reader = JournalReader(folder)
    report = replay(card, reader, reader.span(), lambda rows: None)
    assert sum(report.verdicts.values()) == report.decisions
    return {verdict.value: count for verdict, count in report.verdicts.items()}


@pytest.fixture
def home(trained_project: Project, tmp_path: Path) -> Path:
    """A copy of the trained project's store, with its release next to it."""
    home = Path(shutil.copytree(trained_project.store, tmp_path / "home"))
    shutil.copy(trained_project.folder / "releases" / "card_default.json", home / "release.json")
    BentoMLContainer.model_store.set(ModelStore(home / "models"))
    return home


@pytest.mark.slow
def test_what_a_service_answered_replays_and_what_was_done_to_it_is_named(
    trained_project: Project, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = pq.read_table(trained_project.folder / "artifacts/full/card_default/test.parquet")
    wanted = [name for name in CARD.columns if name not in CARD.protected]
    applications = rows.slice(0, ROWS).select(wanted).to_pylist()
    journal = home / "journal"
    with serve(home) as server, httpx.Client(base_url=server.url, **PATIENT) as client:
        answers = [
            client.post("/predict", json=application, params={"reasons": "all"} if index % 3 else {}).json()
            for index, application in enumerate(applications[:100])
        ]
        answers += client.post("/predict_batch", json={"applications": applications[100:]}).json()["decisions"]
        # While it serves: what was answered is there, and replays.
        assert replayed(CARD, journal) == {"same": ROWS}
    records = {record.decision_id: record for record in JournalReader(journal).decisions()}
    assert [records[answer["decision_id"]].pd for answer in answers] == [answer["pd"] for answer in answers]

    monkeypatch.setenv("SCOREBOX_JOURNAL", str(journal))
    scorebox_here(trained_project.folder, home, "journal", "erase", CARD.name, answers[0]["decision_id"], "--yes")
    forged.change(journal, [20], "pd", lambda pd: pd / 2)
    forged.take_out(journal, [30])
    settings = {"BENTOML_HOME": str(home), "SCOREBOX_JOURNAL": str(journal)}
    done = trained_project.scorebox(
        "replay", CARD.name, "--out", str(tmp_path / "replay.json"), check=False, **settings
    )
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert " ".join(done.stderr.split()).endswith(
        "error 2 of 300 decisions of card_default are not as the journal says"
    )
    report = json.loads((tmp_path / "replay.json").read_text())
    assert report["verdicts"] == {"same": 297, "erased": 1, "tampered record": 1, "missing record": 1}
    assert [finding["sequence"] for finding in report["findings"]] == [1, 20, 30]

    tag = models.Release.read(home / "release.json").tags["fp32"]
    graph = home / "models" / tag.replace(":", "/") / "model.onnx"
    content = graph.read_bytes()
    graph.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    assert replayed(CARD, journal) == {
        "erased": 1, "tampered record": 1, "missing record": 1, "changed model": 297,
    }  # fmt: skip
    shutil.rmtree(graph.parent)
    assert replayed(CARD, journal) == {
        "erased": 1, "tampered record": 1, "missing record": 1, "missing model": 297,
    }  # fmt: skip


@pytest.mark.slow
def test_a_hundred_thousand_decisions_replay_to_the_bit(home: Path, tmp_path: Path) -> None:
    release = models.Release.read(home / "release.json")
    model = models.load(release.tags[release.serving])
    drawn = sample_applications(CARD, model.graph.columns, 10_000)
    order = np.random.default_rng(1).integers(0, len(drawn), MANY)
    applications = [drawn[index] for index in order]
    half = MANY // 2
    decide(tmp_path / "journal", CARD, model, applications[:half], at_a_time=1)
    decide(tmp_path / "journal", CARD, model, applications[half:], at_a_time=97, max_batch_size=333)
    assert replayed(CARD, tmp_path / "journal") == {"same": MANY}
