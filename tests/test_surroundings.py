"""Tests leave alone what the checkout holds, and have a home and a folder of their own."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from scoring.journal.writer import Journal
from tests.serving.toy import environment
from tests.surroundings import PROJECT, differences, state


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A small checkout of Git with a journal and a release of its user's."""
    folder = tmp_path / "checkout"
    for name in ("journal/card_default/segment-1.sqlite", "releases/card_default.json", "mlflow.db", "service.py"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("as it was")
    (folder / ".gitignore").write_text("/journal/\n/releases/\n/mlflow.db*\n")
    subprocess.run(["git", "init", "--quiet"], cwd=folder, check=True)
    subprocess.run(["git", "add", "."], cwd=folder, check=True)
    return folder


@pytest.mark.parametrize(
    "changed", ["journal/card_default/segment-2.sqlite", "releases/card_default.json", "mlflow.db", "left.txt"]
)
def test_what_is_written_to_the_checkout_is_named(checkout: Path, changed: str) -> None:
    before = state(checkout)
    (checkout / changed).write_text("changed meanwhile")
    assert differences(before, state(checkout)) == [changed]


def test_what_is_removed_is_named(checkout: Path) -> None:
    before = state(checkout)
    (checkout / "mlflow.db").unlink()
    (checkout / "service.py").unlink()
    assert differences(before, state(checkout)) == ["mlflow.db", "service.py"]


def test_the_journal_of_a_running_service_may_grow(checkout: Path) -> None:
    before = state(checkout)
    journal = Journal(checkout / "journal" / "german_credit")
    (checkout / "releases" / "german_credit.json").write_text("promoted by a test")
    assert differences(before, state(checkout)) == ["releases/german_credit.json"]
    journal.close()


def test_a_test_has_a_folder_and_a_home_of_its_own() -> None:
    assert not list(Path.cwd().iterdir())
    own = (Path.cwd(), Path.home(), Path(os.environ["BENTOML_HOME"]))
    assert all(PROJECT not in [path, *path.parents] for path in own)
    assert not [name for name in os.environ if name.startswith(("SCOREBOX_JOURNAL", "SCOREBOX_RELEASE"))]


def test_a_service_that_tests_start_keeps_its_journal_at_its_home(tmp_path: Path) -> None:
    assert environment(tmp_path)["SCOREBOX_JOURNAL"] == str(tmp_path / "journal")
