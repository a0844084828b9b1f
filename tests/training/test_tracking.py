"""MLflow's files in folders whose names mean something in an address."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import mlflow
import pytest

from training import tracking

SIGNS = "a%25b%20c ?d#e;ä"


@pytest.mark.skipif(sys.platform == "win32", reason="such names are none there")
def test_a_run_is_recorded_in_a_folder_of_any_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / SIGNS
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    Path("report.txt").write_text("figures")
    with tracking.run("cards", "full", {"data": "made up"}, "0" * 40 + "-dirty") as run:
        tracking.log({"depth": 3}, {"auc": 0.75}, [Path("report.txt")])
    assert sorted(path.name for path in tmp_path.iterdir()) == [SIGNS], "no other folder is made"
    assert sorted(path.name for path in folder.iterdir()) == ["mlflow.db", "mlruns", "report.txt"]
    (logged,) = (folder / "mlruns").rglob("report.txt")
    assert logged.read_text() == "figures"
    with tracking.connected("read the run") as client:
        found = client.get_run(run)
        assert found.data.tags["mlflow.source.git.commit"] == "0" * 40
        copy = mlflow.artifacts.download_artifacts(f"{found.info.artifact_uri}/report.txt", dst_path=str(tmp_path))
    assert Path(copy).read_text() == "figures"
    os.environ.pop("MLFLOW_TRACKING_URI")
