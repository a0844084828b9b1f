"""The model that is measured, and the command that serves it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import bentoml

from loadtests import ROOT
from loadtests.server import LOOPBACK, Command
from scoring.decision import Variant
from scoring.models import GRAPH_FILE, ModelRecord, Release, load
from scoring.project import keep_models_in_project


@dataclass(frozen=True)
class Served:
    """The variant that a release serves by default.

    Attributes:
        graph: its ONNX file in the model store.
        store: the folder of all models in the store.
    """

    release: Path
    tag: str
    variant: Variant
    record: ModelRecord
    graph: Path
    store: Path


def find(release_file: Path) -> Served:
    """Return the model that the release serves, from the model store.

    Raises:
        ModelStoreError: the release or the model is missing or unreadable; the message says what to do.
        GraphIntegrityError: the graph's bytes are not the recorded ones.
    """
    keep_models_in_project(ROOT)
    release = Release.read(release_file)
    tag = release.tags[release.serving]
    record = load(tag).record
    stored = bentoml.models.get(tag)
    return Served(
        release=release_file.resolve(),
        tag=tag,
        variant=release.serving,
        record=record,
        graph=Path(stored.path_of(GRAPH_FILE)).resolve(),
        store=Path(stored.path).parents[1],
    )


@contextmanager
def bento_home(store: Path | None = None) -> Iterator[Path]:
    """Make a BENTOML_HOME of its own for one server, with the models of `store` in it.

    A server wipes the metrics folder in its BENTOML_HOME when it starts, and with it those of any
    other server that shares the folder.
    """
    with TemporaryDirectory(prefix="scorebox-load-") as folder:
        home = Path(folder)
        if store is not None:
            (home / "models").symlink_to(store.resolve(), target_is_directory=True)
        yield home


@contextmanager
def fresh_journal(folder: Path) -> Iterator[Path]:
    """Make a folder for one server's journal, next to the results: a temporary folder may be in memory."""
    folder.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix="journal-", dir=folder) as made:
        yield Path(made).resolve()


def service_command(served: Served, home: Path, journal: Path | None, **settings: str) -> Command:
    """Return how this project's service is started with the model.

    Args:
        journal: its folder; None to keep no decisions.
        settings: more of the service's environment variables.
    """
    return Command(
        name="the service",
        arguments=bento_arguments("service:Scorebox"),
        environment={
            "BENTOML_HOME": str(home),
            "BENTOML_DO_NOT_TRACK": "True",
            "SCOREBOX_SCORECARD": served.record.scorecard,
            "SCOREBOX_RELEASE": str(served.release),
            "SCOREBOX_JOURNAL": "off" if journal is None else str(journal),
            **settings,
        },
    )


def bento_arguments(target: str) -> list[str]:
    """Return the command line that serves a BentoML service of this repository."""
    return [
        sys.executable, "-m", "bentoml", "serve", target,
        "--host", LOOPBACK, "--port", "{port}", "--working-dir", str(ROOT),
    ]  # fmt: skip
