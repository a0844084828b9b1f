from __future__ import annotations

from pathlib import Path

import pytest

from training.tables import TableSet, find
from training.tables.build import build

APPLICATIONS = 400


@pytest.fixture(scope="session")
def home_credit() -> TableSet:
    (form,) = find("home_credit")
    return form


@pytest.fixture(scope="session")
def sample(home_credit: TableSet, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The raw folder of a few hundred applications; not to be changed."""
    folder = tmp_path_factory.mktemp("home_credit") / "raw"
    home_credit.generate(folder, APPLICATIONS, 42, lambda what, done: None)
    return folder


@pytest.fixture(scope="session")
def features(home_credit: TableSet, sample: Path) -> Path:
    """The features of the sample."""
    output = sample.parent / "features.parquet"
    build(home_credit, sample, output, lambda what, done: None)
    return output
