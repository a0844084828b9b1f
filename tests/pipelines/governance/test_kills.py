"""A push, promotion, rollback or restore that is killed at one of its file events is finished by its repetition."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from scoring import models
from scoring.models import Release
from tests.here import store_at
from tests.pipelines.governed import CARD, Governed, move_registry
from tests.pipelines.killing import Commands, commands

pytestmark = pytest.mark.slow
LEAST_EVENTS = 10
"""Fewer would mean that events are missed."""
STEP = 7
"""Every seventh event is enough for each run of the suite: all 300 of them take a quarter of an hour."""


@pytest.fixture(scope="module")
def killable() -> Iterator[Commands]:
    with commands() as running:
        yield running


def a_little_higher(pd: float) -> float:
    return pd * 1.01


@dataclass(frozen=True)
class Ground:
    """A state of a project that is laid out anew for each kill."""

    start: Path
    folder: Path

    def lay_out(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)
        shutil.copytree(self.start, self.folder)

    def query(self, statement: str) -> list[tuple[Any, ...]]:
        """Rows of MLflow's database: a file that comes and goes, which MLflow itself would keep open."""
        with closing(sqlite3.connect(self.folder / "mlflow.db")) as connection:
            return sorted(connection.execute(statement).fetchall())

    @property
    def is_amid_a_move(self) -> bool:
        ((history,),) = self.query("SELECT value FROM registered_model_tags")
        return json.loads(history)["unfinished"] is not None

    @property
    def release(self) -> Path:
        return self.folder / "releases" / f"{CARD.name}.json"

    def outcome(self) -> dict[str, Any]:
        """Everything that the command leaves, but for times."""
        every = sorted(path for path in self.folder.rglob("*") if path.name != "mlflow.db")
        return {
            "files": [str(path.relative_to(self.folder)) for path in every],
            "graphs": {path.name: path.read_bytes() for path in every if path.suffix == ".onnx"},
            "release": self.release.read_bytes(),
            "versions": self.query("SELECT name, version, source, run_id FROM model_versions"),
            "tags": self.query("SELECT version, key FROM model_version_tags"),
            "aliases": self.query("SELECT name, alias, version FROM registered_model_aliases"),
            "history": self.query("SELECT key, value FROM registered_model_tags"),
        }

    def assert_serves(self) -> None:
        """A server can start: the release names models that are whole."""
        with store_at(self.folder / "store"):
            for tag in Release.read(self.release).tags.values():
                models.load(tag)


def ground(governed: Governed) -> Ground:
    """The present state of the project."""
    here = governed.project.folder
    laid = Ground(here.with_name("start"), here.with_name("killed"))
    (here / "temporary").mkdir()
    shutil.copytree(here, laid.start)
    move_registry(laid.start / "mlflow.db", here, laid.folder)
    return laid


def kill_at_events(laid: Ground, killable: Commands, *command: str) -> int:
    """Kill the command at every seventh of its events, and repeat it; return how many events it has at least."""
    serves = (laid.start / "releases").exists()
    laid.lay_out()
    assert killable.run(laid.folder, *command).code == 0
    whole = laid.outcome()
    for event in count(1, STEP):
        laid.lay_out()
        if not (ended := killable.run(laid.folder, *command, kill_at=event)).is_killed:
            assert ended.code == 0, ended.printed
            return event - STEP
        if serves:
            laid.assert_serves()
        is_done = command[0] == "rollback" and not laid.is_amid_a_move and laid.outcome()["history"] == whole["history"]
        if not is_done:
            again = killable.run(laid.folder, *command)
            assert again.code == 0, f"after a kill at event {event}: {again.printed}"
        assert laid.outcome() == whole, f"after a kill at event {event}"
        laid.assert_serves()
    raise AssertionError


def test_a_push(governed: Governed, killable: Commands) -> None:
    governed.calibrate(a_little_higher)
    assert kill_at_events(ground(governed), killable, "push", CARD.name) > LEAST_EVENTS


def test_a_promotion(governed: Governed, killable: Commands) -> None:
    governed.challenge(a_little_higher)
    assert kill_at_events(ground(governed), killable, "promote", CARD.name) > LEAST_EVENTS


def test_a_rollback(governed: Governed, killable: Commands) -> None:
    governed.challenge(a_little_higher)
    assert governed.run("promote", CARD.name)[0] == 0
    assert kill_at_events(ground(governed), killable, "rollback", CARD.name) > LEAST_EVENTS


def test_a_restore(governed: Governed, killable: Commands) -> None:
    shutil.rmtree(governed.project.folder / "releases")
    shutil.rmtree(governed.project.store)
    assert kill_at_events(ground(governed), killable, "restore", CARD.name) > LEAST_EVENTS
