"""Turn applications into decisions, in batches that all callers share.

Every caller's rows join one batcher. All rows that wait are put into arrays, scored, decided and
explained at once, and put into the journal by one commit; each caller gets its own slice of the batch.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from math import inf
from time import perf_counter
from typing import NamedTuple

import numpy as np

from scoring.application import Application
from scoring.batcher import Batcher
from scoring.decider import Decider
from scoring.decision import BatchSlice, Decisions
from scoring.frames import Frame
from scoring.history.store import HistoryStore, HistoryUnavailableError
from scoring.idempotency import BatchAnswers
from scoring.journal.names import KeyTakenError
from scoring.journal.origin import Key, RequestOrigin
from scoring.journal.record import rows_of
from scoring.journal.transaction import JournalUnavailableError
from scoring.journal.writer import Journal
from scoring.rows import Rows, joined_inputs, json_of
from scoring.scorecard import Scorecard
from scoring.turns import Turns

PARTLY_DECIDED = "decisions of its first rows are made and kept"
"""The note of an exception that ends a request of which parts are decided."""


class Caller(NamedTuple):
    """The caller of a request, and the options of the request."""

    request_id: str
    applicant: str | None = None
    """The caller's name for the applicant."""
    key: str | None = None
    """Idempotency key: the same request under it gets the same decisions."""
    request_sha256: bytes = b""
    """The hash of all that makes the request the same."""
    every_reason: bool = False
    """Whether the contributions of approvals are computed too."""
    deadline: float = inf
    """The time at which the request is given up, by `perf_counter`."""


class _Item(NamedTuple):
    rows: Rows
    caller: Caller
    part: int

    @property
    def request_origin(self) -> RequestOrigin:
        """The request that the rows are of, as the journal keeps it."""
        caller = self.caller
        key = None if caller.key is None else Key(caller.key, self.part, caller.request_sha256)
        return RequestOrigin(len(self.rows), caller.request_id, caller.applicant, key)


@dataclass(frozen=True, slots=True)
class Observers:
    """Functions that are called with what has happened, in the thread where it did."""

    batch: Callable[[int, float], None] = lambda rows, waited: None
    """The rows of a batch, and the seconds its oldest rows waited."""
    decisions: Callable[[Decisions, Sequence[Rows]], None] = lambda decisions, parts: None
    """The decisions of a batch, once they are in the journal, and the rows that they are of."""
    commit: Callable[[float], None] = lambda seconds: None
    """The seconds that putting a batch into the journal took."""


class Scorer:
    """Decides with one model under one policy, in batches shared by all callers.

    Args:
        scorecard: the product.
        decider: model and policy.
        history: the scorecard's history, None if it has none.
        journal: where decisions are kept; None to keep none.
        max_batch_size: rows in one session call.
        max_wait: seconds after which waiting rows are refused.
        observers: called with what has happened.
    """

    def __init__(
        self,
        scorecard: Scorecard,
        decider: Decider,
        history: HistoryStore | None = None,
        journal: Journal | None = None,
        *,
        max_batch_size: int,
        max_wait: float,
        observers: Observers | None = None,
    ) -> None:
        self.application = scorecard.request_model(decider.graph.columns)
        """The model that applications are validated with: what this graph reads is required."""
        self.frame = Frame(scorecard, decider.graph.columns, history)
        self._decider = decider
        self._journal = journal
        self._observers = observers or Observers()
        self._max_batch_size = max_batch_size
        self._turns = Turns()
        # Scoring, reading a remote history and the commit wait without the event loop: it goes on reading requests.
        self._worker = ThreadPoolExecutor(1, thread_name_prefix="scorer")
        self._batcher: Batcher[_Item, BatchSlice] = Batcher(
            self._process, max_batch_size=max_batch_size, max_wait=max_wait, observe=self._observers.batch
        )

    @property
    def oldest_wait(self) -> float:
        """Seconds that the oldest waiting rows have waited."""
        return self._batcher.oldest_wait

    async def decide(self, application: Application, caller: Caller) -> BatchSlice:
        """Return the decision of one application.

        Raises:
            QueueTimeoutError: it has waited longer than `max_wait`.
            BatcherClosedError: the scorer is closed.
            HistoryUnavailableError: the history cannot be read.
            JournalUnavailableError: the decision cannot be kept, so none is made.
            KeyConflictError: the caller's key stands for another request.
        """
        return await self._batcher.submit(_Item((application,), caller, 0))

    async def decide_all(self, rows: Rows, caller: Caller) -> list[BatchSlice]:
        """Return the decisions of many rows, in order, in slices of at most `max_batch_size`.

        Between two parts other callers get their turn, so a large table does not hold them up. Requests of several
        parts are decided one after the other.

        Raises:
            LateError: several parts would not be decided in time, so none is.
            Exception: as `decide`, with the note `PARTLY_DECIDED` if parts before are in the journal.
        """
        size, count = self._max_batch_size, len(rows)
        if count <= size:
            return [await self._batcher.submit(_Item(rows, caller, 0), rows=count)]
        kept = await self._kept_rows(caller)
        decided: list[BatchSlice] = []
        async with self._turns.turn(max(count - kept, 0), caller.deadline, begun=kept > 0) as done:
            for number, start in enumerate(range(0, count, size)):
                part = rows[start : start + size]
                began = perf_counter()
                try:
                    decided.append(await self._batcher.submit(_Item(part, caller, number), rows=len(part)))
                except Exception as error:
                    if decided:
                        error.add_note(PARTLY_DECIDED)
                    raise
                if start >= kept:
                    done(len(part))
                    # The last one may be a single row, which takes far longer than a row among many.
                    if len(part) == size:
                        self._turns.measure(size, perf_counter() - began)
        return decided

    async def _kept_rows(self, caller: Caller) -> int:
        """Return how many rows are decided already under the caller's key."""
        if caller.key is None or self._journal is None:
            return 0
        return await asyncio.to_thread(self._journal.kept_rows, caller.key)

    async def close(self) -> None:
        """Refuse new rows and finish those that wait."""
        await self._batcher.close()
        self._worker.shutdown()

    async def _process(self, items: Sequence[_Item]) -> Sequence[BatchSlice | Exception]:
        try:
            return await asyncio.get_running_loop().run_in_executor(self._worker, self._answer, items)
        except (HistoryUnavailableError, JournalUnavailableError) as error:
            # For each alone they would be asked, and waited for, once more.
            return [type(error)(str(error)) for _ in items]

    def _answer(self, items: Sequence[_Item]) -> list[BatchSlice | Exception]:
        """Return each item's decisions: earlier ones under its key, else new ones, kept in the journal."""
        request_origins = [item.request_origin for item in items]
        answers = BatchAnswers(request_origins, self._decider, self._journal)
        if fresh := answers.fresh:
            try:
                decisions = self._decide([items[index] for index in fresh], [request_origins[index] for index in fresh])
            except KeyTakenError:
                # Two scorers decide where there is a challenger, and while models are exchanged.
                return self._answer(items)
            answers.add(decisions)
        return answers.in_order()

    def _decide(self, items: Sequence[_Item], request_origins: Sequence[RequestOrigin]) -> Decisions:
        """Decide the items' rows together, and keep the decisions in the journal.

        Raises:
            KeyTakenError: another scorer has decided under one of the keys meanwhile.
        """
        parts = [item.rows for item in items]
        inputs = joined_inputs(parts, self.frame)
        explained = np.zeros(len(inputs), dtype=bool)
        start = 0
        for item, origin in zip(items, request_origins, strict=True):
            explained[start : start + origin.rows] = item.caller.every_reason
            start += origin.rows
        decisions = self._decider.decide(inputs, explained)
        if self._journal is not None:
            began = perf_counter()
            applications = [application for part in parts for application in json_of(part, self.frame)]
            self._journal.append(decisions, rows_of(inputs.numeric), applications, request_origins)
            self._observers.commit(perf_counter() - began)
        self._observers.decisions(decisions, parts)
        return decisions
