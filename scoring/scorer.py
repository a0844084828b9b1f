"""Applications in, decisions out: the one way to a score.

Every caller's rows join one batcher. What has been waiting is put into arrays, scored by one
session call and decided at once; each caller gets its own share of the result.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import TypeAlias

from scoring.batcher import Batcher
from scoring.decision import Decider, Decisions
from scoring.frames import Frame
from scoring.graph import Inputs
from scoring.history import HistoryStore, HistoryUnavailableError
from scoring.models import StoredModel
from scoring.scorecard import Application, Scorecard

# Up to here a batch takes less time than handing it to a thread and back.
INLINE_ROWS = 256

Rows: TypeAlias = Sequence[Application] | Inputs
"""What one caller hands in: applications, or the values of a table's good rows."""

Share: TypeAlias = tuple[Decisions, int, int]
"""One caller's part of a batch: the batch's decisions, its first row, and the row after its last."""


class Scorer:
    """Scores and decides with one model, in batches shared by all callers.

    Args:
        scorecard: the product.
        model: the variant that serves.
        history: the scorecard's history, None if it has none.
        max_batch_size: rows in one session call.
        max_wait: seconds after which waiting rows are refused.
        observe_batch: called with the rows of each batch and the seconds its oldest rows waited.
        observe_decisions: called with the decisions of each batch.
    """

    def __init__(
        self,
        scorecard: Scorecard,
        model: StoredModel,
        history: HistoryStore | None = None,
        *,
        max_batch_size: int,
        max_wait: float,
        observe_batch: Callable[[int, float], None] = lambda rows, waited: None,
        observe_decisions: Callable[[Decisions], None] = lambda decisions: None,
    ) -> None:
        record = model.record
        self.application = scorecard.request_model(model.graph.columns)
        """The model that applications are validated with: what this graph reads is required."""
        self.frame = Frame(scorecard, model.graph.columns, history)
        self._remote = history is not None and history.remote
        self._graph = model.graph
        self._decider = Decider(scorecard, record.tag, record.variant, record.cutoff)
        self._observe_decisions = observe_decisions
        self._max_batch_size = max_batch_size
        self._batcher: Batcher[Rows, Share] = Batcher(
            self._process, max_batch_size=max_batch_size, max_wait=max_wait, observe=observe_batch
        )

    @property
    def oldest_wait(self) -> float:
        """Seconds that the oldest waiting rows have waited."""
        return self._batcher.oldest_wait

    async def decide(self, application: Application) -> Share:
        """The decision of one application."""
        return await self._batcher.submit((application,))

    async def decide_all(self, rows: Rows) -> list[Share]:
        """The decisions of many rows, in order, in parts of at most `max_batch_size`.

        Between two parts other callers get their turn, so a large table does not hold them up.
        """
        size = self._max_batch_size
        parts: list[Rows] = [rows[start : start + size] for start in range(0, len(rows), size)]
        return [await self._batcher.submit(part, rows=len(part)) for part in parts]

    async def close(self) -> None:
        """Refuses new rows and finishes those that wait."""
        await self._batcher.close()

    async def _process(self, items: Sequence[Rows]) -> Sequence[Share | Exception]:
        sizes = [len(item) for item in items]
        try:
            if self._remote or sum(sizes) > INLINE_ROWS:
                decisions = await asyncio.to_thread(self._score, items)
            else:
                decisions = self._score(items)
        except HistoryUnavailableError as error:
            # For each alone the store would be asked, and waited for, once more.
            return [HistoryUnavailableError(str(error)) for _ in items]
        self._observe_decisions(decisions)
        shares: list[Share] = []
        start = 0
        for size in sizes:
            shares.append((decisions, start, start + size))
            start += size
        return shares

    def _score(self, items: Sequence[Rows]) -> Decisions:
        inputs = self._inputs(items)
        return self._decider.decide(self._graph.score(inputs), inputs.known)

    def _inputs(self, items: Sequence[Rows]) -> Inputs:
        parts: list[Inputs] = []
        applications: list[Application] = []
        for item in items:
            if isinstance(item, Inputs):
                if applications:
                    parts.append(self.frame.inputs(applications))
                    applications = []
                parts.append(item)
            else:
                applications.extend(item)
        if applications:
            parts.append(self.frame.inputs(applications))
        return Inputs.joined(parts)
