"""The bars on the published file: training as `make serve` does it, then folds over all rows."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import PROJECT, Project, real_data
from tests.e2e.project import leave_out_time

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(real_data("card_default") is None, reason="the published file UCI_Credit_Card.csv is not here"),
]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    project = Project(tmp_path_factory.mktemp("real"), tmp_path_factory.mktemp("store"))
    shutil.copy(PROJECT / "params.yaml", project.folder)
    leave_out_time(project.folder)
    source = str(real_data("card_default"))
    for stage in (
        "ingest",
        "validate",
        "features",
        "split",
        "train",
        "export",
        "quantize",
        "explain",
        "benchmark",
        "crossvalidate",
    ):
        project.scorebox(stage, "card_default", "--profile", "quick", SCOREBOX_SOURCE_CARD_DEFAULT=source)
    return project.folder / "artifacts" / "quick" / "card_default"


def read(path: Path) -> Any:
    return json.loads(path.read_text())


def test_the_best_candidate_and_the_network_reach_their_auc(trained: Path) -> None:
    auc = {item["name"]: item["auc"] for item in read(trained / "crossvalidation.json")["results"]}
    assert max(auc.values()) >= 0.787
    assert auc["network"] >= 0.783
    assert auc["logistic"] < auc["network"], "logistic regression is the floor"


def test_a_winner_holds_every_gate_and_protected_columns_are_out(trained: Path) -> None:
    competition = read(trained / "candidates.json")
    assert competition["winner"]
    assert competition["protected_fields"] is False
    columns = read(trained / "model" / "specification.json")["columns"]
    assert not {"SEX", "MARRIAGE", "AGE"} & set(columns)


def test_int8_keeps_auc_and_brier_within_its_limits(trained: Path) -> None:
    variants = {item["variant"]: item for item in read(trained / "benchmark.json")["variants"]}
    int8 = variants["int8"]
    assert int8["auc_change"] > -0.001
    assert int8["brier_change"] < 0.0005
