"""push.json says what of a training is in the model store, and a store that has lost it gets it again."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from scoring.graph import sha256
from tests.conftest import Project
from tests.here import scorebox_here


def test_a_store_that_has_lost_the_model_gets_it_again(
    trained_project: Project, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "project"
    shutil.copytree(trained_project.folder, folder)
    project = Project(folder, folder / "store")
    record = folder / "artifacts" / "full" / "card_default" / "push.json"
    first = record.read_bytes()
    shutil.rmtree(project.store)
    record.unlink()

    scorebox_here(project.folder, project.store, "push", "card_default", "--profile", "full")
    pushed = capsys.readouterr().err

    assert record.read_bytes() == first
    said = json.loads(first)
    for variant, tag in said["tags"].items():
        assert f"{tag} pushed" in pushed
        name, _, version = tag.partition(":")
        held = {sha256(path.read_bytes()) for path in (project.store / "models" / name / version).rglob("*.onnx")}
        assert held == {said["graph_sha256"][variant], said["explain_sha256"][variant]}
