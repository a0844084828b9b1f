"""A project folder with a model in its store and a journal of decisions that the service's own scorer made."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from scoring import models
from scoring.application import Application
from scoring.decider import Decider
from scoring.journal.limits import JournalLimits
from scoring.journal.reader import JournalReader
from scoring.journal.writer import Journal
from scoring.policy import CutoffPolicy
from scoring.scorecard import Scorecard
from scoring.scorer import Caller, Scorer


def sample_applications(card: Scorecard, columns: Sequence[str], rows: int, seed: int = 5) -> list[Application]:
    """Made-up applicants, as requests would bring them; of what may be missing, some is."""
    generator = np.random.default_rng(seed)
    drawn = {name: values.tolist() for name, values in card.sample(generator, rows).items()}
    given = {
        rule.column: generator.random(rows) > (0.3 if card.may_be_missing(rule) else -1)
        for rule in card.rules
        if rule.column not in card.protected
    }
    model = card.request_model(columns)
    return [
        model.model_validate({name: drawn[name][row] for name, there in given.items() if there[row]}, strict=False)
        for row in range(rows)
    ]


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
        decider = Decider.by_policy(card, model, policy or CutoffPolicy.of(card))
        scorer = Scorer(card, decider, journal=journal, max_batch_size=max_batch_size, max_wait=60)
        caller = Caller("request-1", applicant, every_reason=every_reason)
        parts = [applications[start : start + at_a_time] for start in range(0, len(applications), at_a_time)]
        await asyncio.gather(*(scorer.decide_all(part, caller) for part in parts))
        await scorer.close()
        journal.close()

    asyncio.run(run())


@dataclass(frozen=True)
class Journaled:
    """A journal, and the model that its decisions are of."""

    folder: Path
    model: models.StoredModel

    @property
    def ids(self) -> list[str]:
        return [record.decision_id for record in JournalReader(self.folder).decisions()]
