from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import Project, make_project
from tests.here import store_at


@pytest.fixture
def project(toy_store: Path, tmp_path: Path) -> Iterator[Project]:
    """A project folder with a release of the toy model, whose store is the process's own."""
    made = make_project(tmp_path / "project")
    releases = made.folder / "releases"
    releases.mkdir()
    shutil.copy(toy_store / "release.json", releases / "card_default.json")
    with store_at(toy_store):
        yield Project(made.folder, toy_store)
