from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from bentoml._internal.configuration.containers import BentoMLContainer
from bentoml._internal.models import ModelStore

from tests.conftest import Project
from tests.pipelines.governed import Governed, move_registry


@pytest.fixture
def governed(
    trained_project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Governed]:
    """A copy of the trained project; version 1 is the champion."""
    folder = Path(shutil.copytree(trained_project.folder, tmp_path / "project"))
    move_registry(folder / "mlflow.db", trained_project.folder, folder)
    project = Project(folder, folder / "store")
    monkeypatch.chdir(folder)
    monkeypatch.setenv("COLUMNS", "300")
    for name in ("SCOREBOX_SOURCE_CARD_DEFAULT", "MLFLOW_TRACKING_URI"):
        monkeypatch.delenv(name, raising=False)
    BentoMLContainer.model_store.set(ModelStore(project.store / "models"))
    yield Governed(project, monkeypatch, capsys)
    BentoMLContainer.model_store.reset()
