"""A service with a challenger, both of them toys, and a journal."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scoring.challenger.challenge import Bounds, Challenge, place
from scoring.graph import Graph, Inputs
from scoring.journal.writer import Journal
from scoring.models import Release, StoredModel
from serving.startup import LoadedModel, StartupConfig
from tests.serving.conftest import startup_config
from tests.serving.toy import COLUMNS, SCORECARD, content, stored
from tests.waiting import LONGEST_WAIT

CHAMPION, CHALLENGER = stored(), stored(version="2.0.0", shift=0.5)


class Stubborn(Graph):
    """A graph that fails or waits when it is told to."""

    def __init__(self) -> None:
        super().__init__(content(shift=0.5).graph)
        self.broken = False
        self.go = threading.Event()
        self.go.set()
        self.asked = threading.Event()

    def score(self, inputs: Inputs) -> NDArray[np.float32]:
        if self.broken:
            raise RuntimeError("a limit of 120000 is not divisible")
        self.asked.set()
        assert self.go.wait(LONGEST_WAIT)
        return super().score(inputs)


def stubborn() -> tuple[StoredModel, Stubborn]:
    """The challenger with such a graph, and the graph."""
    graph = Stubborn()
    return replace(CHALLENGER, graph=graph), graph


def challenge(
    share: float,
    *,
    name: str = "c-1",
    model: StoredModel = CHALLENGER,
    scorecard: str = SCORECARD.name,
    **bounds: Any,
) -> Challenge:
    tag = model.record.tag
    release = Release(scorecard=scorecard, version=model.record.version, serving="fp32", tags={"fp32": tag})
    return Challenge(
        id=name, release=release, share=share, bounds=Bounds(**bounds), made_at="2026-11-21T00:00:00+00:00"
    )


def opened(folder: Path) -> Journal:
    journal = Journal(folder)
    journal.open()
    return journal


def with_challenger(
    journal: Journal,
    share: float,
    *,
    champion: StoredModel = CHAMPION,
    model: StoredModel = CHALLENGER,
    name: str = "c-1",
    bounds: dict[str, Any] | None = None,
    **settings: Any,
) -> StartupConfig:
    """The start of a service with this challenger."""
    sent = challenge(share, name=name, model=model, **(bounds or {}))
    made = startup_config(journal=journal, **settings)
    return replace(made, champion=LoadedModel(champion), challenger=(sent, LoadedModel(model)))


def applicant(share: float, *, challengers: bool, number: int = 0) -> str:
    """The name of an applicant on that side."""
    names = (f"client-{index}" for index in range(100_000))
    found = (name for name in names if (place(SCORECARD.name, name.encode()) < share) == challengers)
    for _ in range(number):
        next(found)
    return next(found)


def applications(rows: int, seed: int = 0) -> list[dict[str, Any]]:
    """Different applications."""
    sample = SCORECARD.sample(np.random.default_rng(seed), rows)
    columns = {name: sample[name] for name in COLUMNS}
    return [{name: values[row].item() for name, values in columns.items()} for row in range(rows)]
