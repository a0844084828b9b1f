"""Real servers over real sockets, each with a BENTOML_HOME of its own."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser

from tests.e2e.browser import Visit, chromium, visiting
from tests.e2e.project import copy_project, leave_out_time
from tests.e2e.reader import Reader
from tests.e2e.server import Server, serve
from tests.pipelines.governed import move_registry
from tests.serving.toy import SCORECARD
from tests.shared import made_once

RELOAD_TOKEN = "a-token-of-the-shared-server"
LISTED_ORIGIN = "http://127.0.0.1:4181"
"""The origin whose pages may ask the shared server."""


@pytest.fixture
def home(toy_store: Path, tmp_path: Path) -> Path:
    """A copy of the store for one test: two servers with one BENTOML_HOME wipe each other's metrics."""
    return Path(shutil.copytree(toy_store, tmp_path / "home"))


@pytest.fixture(scope="session")
def server(toy_store: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server shared by the tests that leave it as it was."""
    home = Path(shutil.copytree(toy_store, tmp_path_factory.mktemp("server") / "home"))
    with serve(home, SCOREBOX_RELOAD_TOKEN=RELOAD_TOKEN, SCOREBOX_CORS_ORIGINS=LISTED_ORIGIN) as running:
        yield running


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of this project after `scorebox build card_default --profile quick`; to be copied, not changed.

    Without the boosted trees, which take longest and never serve; tests/pipelines/stages/test_real_data.py has them.
    """

    def build(folder: Path) -> None:
        leave_out_time(copy_project(folder), ["network", "weighted_network", "published_network", "logistic"])
        Reader(folder, "").run("scorebox build card_default --profile quick")

    return made_once(tmp_path_factory, "built", build)


@pytest.fixture
def built_project(built: Path, tmp_path: Path) -> Path:
    """Such a copy for one test."""
    folder = Path(shutil.copytree(built, tmp_path / "project", symlinks=True))
    move_registry(folder / "mlflow.db", built, folder)
    return folder


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One Chromium for the tests of a file; while it is open, no test of another file may run an event loop."""
    with chromium() as opened:
        yield opened


@pytest.fixture
def visit(browser: Browser, server: Server) -> Iterator[Visit]:
    """An empty page of its own, of the shared server."""
    with visiting(browser, server.url) as made:
        yield made


@pytest.fixture
def example() -> dict[str, Any]:
    return dict(SCORECARD.example)
