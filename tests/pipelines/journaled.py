"""A project folder with a model in its store and a journal of decisions that the service's own scorer made."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from scoring import models
from scoring.decider import Decider
from scoring.journal.reader import JournalReader
from scoring.journal.schema import segments
from scoring.journal.writer import Journal, JournalLimits
from scoring.policy import CutoffPolicy
from scoring.scorecard import Application, Scorecard
from scoring.scorer import Caller, Scorer


def sample_applications(card: Scorecard, columns: Sequence[str], rows: int, seed: int = 5) -> list[Application]:
    """Made-up applicants, as a request would bring them."""
    drawn = card.sample(np.random.default_rng(seed), rows)
    model = card.request_model(columns)
    known = [name for name in card.columns if name not in card.protected]
    return [
        model.model_validate({name: values[name] for name in known if _is_given(values[name])}, strict=False)
        for values in ({name: drawn[name][row].item() for name in known} for row in range(rows))
    ]


def _is_given(value: Any) -> bool:
    return value is not None and value == value  # noqa: PLR0124  # NaN


def decide(
    folder: Path,
    card: Scorecard,
    model: models.StoredModel,
    applications: Sequence[Application],
    *,
    at_a_time: int = 32,
    every_reason: bool = False,
    applicant: str | None = None,
    policy: CutoffPolicy | None = None,
    limits: JournalLimits | None = None,
    max_batch_size: int = 1024,
) -> None:
    """Decides them in requests of so many, and keeps the decisions in the folder."""

    async def run() -> None:
        journal = Journal(folder, limits)
        journal.open()
        decider = Decider(card, model, policy or CutoffPolicy.of(card))
        scorer = Scorer(card, decider, journal=journal, max_batch_size=max_batch_size, max_wait=60)
        caller = Caller("request-1", applicant, every_reason=every_reason)
        parts = [applications[start : start + at_a_time] for start in range(0, len(applications), at_a_time)]
        await asyncio.gather(*(scorer.decide_all(part, caller) for part in parts))
        await scorer.close()
        journal.close()

    asyncio.run(run())


@dataclass(frozen=True)
class Journaled:
    """The journal, and what a stranger with the disk can do to it."""

    folder: Path
    model: models.StoredModel

    @property
    def ids(self) -> list[str]:
        return [record.decision_id for record in JournalReader(self.folder).decisions()]

    def change(self, statement: str, *arguments: object) -> None:
        for path in segments(self.folder):
            with closing(sqlite3.connect(path)) as connection, connection:
                connection.execute(statement, arguments)
