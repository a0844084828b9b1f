"""A project keeps its models next to its releases, whether the command or the load tests ask."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from scoring.project import keep_models_in_project


@pytest.mark.parametrize(
    ("is_project", "named", "home"),
    [
        (True, None, "{folder}/.bentoml"),
        (True, "", "{folder}/.bentoml"),
        (True, "/named", "/named"),
        (False, None, None),
    ],
    ids=["a project", "named by nothing", "named", "no project"],
)
def test_models_are_kept_in_the_project_unless_another_place_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_project: bool, named: str | None, home: str | None
) -> None:
    # So that it is put back after the test, whatever becomes of it in between.
    monkeypatch.setenv("BENTOML_HOME", "")
    if named is None:
        del os.environ["BENTOML_HOME"]
    else:
        os.environ["BENTOML_HOME"] = named
    if is_project:
        (tmp_path / "params.yaml").touch()
    monkeypatch.chdir(tmp_path)
    keep_models_in_project(Path())
    assert os.environ.get("BENTOML_HOME") == (home and home.format(folder=tmp_path))
