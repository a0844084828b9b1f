"""push.json says what of a training is in the model store, and a store that has lost it gets it again."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from scoring.graph import sha256
from tests.conftest import Project


def test_a_store_that_has_lost_the_model_gets_it_again(trained_project: Project, tmp_path: Path) -> None:
    folder = tmp_path / "project"
    shutil.copytree(trained_project.folder, folder)
    project = Project(folder, folder / "store")
    record = folder / "artifacts" / "full" / "card_default" / "push.json"
    first = record.read_bytes()
    shutil.rmtree(project.store)
    record.unlink()

    pushed = project.scorebox("push", "card_default", "--profile", "full")

    assert record.read_bytes() == first
    said = json.loads(first)
    for variant, tag in said["tags"].items():
        assert f"{tag} pushed" in pushed.stderr
        name, _, version = tag.partition(":")
        held = {sha256(path.read_bytes()) for path in (project.store / "models" / name / version).rglob("*.onnx")}
        assert held == {said["graph_sha256"][variant], said["explain_sha256"][variant]}
