"""Images that the tests share; each is built once and removed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.deploy.engine import docker, require_engine
from tests.deploy.images import Repository, repository
from tests.serving.toy import SCORECARD


@pytest.fixture(scope="session")
def source(tmp_path_factory: pytest.TempPathFactory) -> Repository:
    """A copy of what images are built from."""
    require_engine()
    return repository(tmp_path_factory.mktemp("image"))


@pytest.fixture(scope="session")
def release_image(source: Repository) -> Iterator[str]:
    """The tag of a release image."""
    tag = source.image()
    yield tag
    docker("image", "rm", "--force", tag)


@pytest.fixture(scope="session")
def shipper_image(source: Repository) -> Iterator[str]:
    """The tag of the shipper's image."""
    tag = source.image("--shipper")
    yield tag
    docker("image", "rm", "--force", tag)


@pytest.fixture
def example() -> dict[str, Any]:
    return dict(SCORECARD.example)
