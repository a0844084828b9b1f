from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from bentoml._internal.configuration.containers import BentoMLContainer
from bentoml._internal.models import ModelStore

from pipelines import cli
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


Run = Callable[..., tuple[int, str]]


@pytest.fixture
def scorebox(project: Project, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs the command as a user would; gives its exit code and what it printed, on one line."""
    monkeypatch.chdir(project.folder)
    monkeypatch.delenv("SCOREBOX_SOURCE_CARD_DEFAULT", raising=False)
    monkeypatch.setenv("COLUMNS", "200")
    # MLflow keeps its connection by address, and a relative one would be of the test before.
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{project.folder}/mlflow.db")

    def run(*arguments: str) -> tuple[int, str]:
        monkeypatch.setattr(sys, "argv", ["scorebox", *arguments])
        code = 0
        try:
            cli.main()
        except SystemExit as exit_:
            code = exit_.code if isinstance(exit_.code, int) else 1
        printed = capsys.readouterr()
        assert "Traceback" not in printed.err
        return code, " ".join((printed.out + printed.err).split())

    return run
