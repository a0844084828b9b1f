"""Real servers over real sockets, each with a BENTOML_HOME of its own."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.server import Server, serve
from tests.serving.toy import SCORECARD


@pytest.fixture
def home(toy_store: Path, tmp_path: Path) -> Path:
    """A copy of the store for one test: two servers with one BENTOML_HOME wipe each other's metrics."""
    return Path(shutil.copytree(toy_store, tmp_path / "home"))


@pytest.fixture(scope="session")
def server(toy_store: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server shared by the tests that leave it as it was."""
    home = Path(shutil.copytree(toy_store, tmp_path_factory.mktemp("server") / "home"))
    with serve(home) as running:
        yield running


@pytest.fixture
def example() -> dict[str, Any]:
    return dict(SCORECARD.example)
