"""A second model on the same applications, off the request path, for the journal only."""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from scoring.decider import Decider
from scoring.decision import Decisions
from scoring.frames import Frame
from scoring.graph import Inputs
from scoring.journal.record import rows_of
from scoring.journal.writer import Journal
from scoring.rows import Rows, Table, joined_inputs

logger = logging.getLogger("bentoml.scorebox")

MOST_WAITING = 10_000
"""Rows; what comes on top is dropped, and counted."""
GATHER_SECONDS = 0.05
"""Batches of so many seconds are scored and journaled together, so that the champion seldom meets such a commit."""
MOST_TOGETHER = 512
"""Rows, beyond the first batch: the champion waits where it meets a commit, and the more rows the longer."""


Offer: TypeAlias = tuple[Decisions, Sequence[Rows]]
"""The decisions of a batch, and what they were made of."""


@dataclass(frozen=True, slots=True)
class ShadowObservers:
    """Told of what becomes of rows."""

    scored: Callable[[int], None] = lambda rows: None
    dropped: Callable[[int], None] = lambda rows: None
    failed: Callable[[int], None] = lambda rows: None


class Shadow:
    """Scores what another model has decided; nothing that happens here reaches that one.

    Args:
        decider: the model, under the policy that decides.
        frame: of its columns.
        read_columns: those of the model that decides: only where they are the same can a table be scored.
        journal: where the results go.
        observers: who is told.
    """

    def __init__(
        self,
        decider: Decider,
        frame: Frame,
        read_columns: Sequence[str],
        journal: Journal,
        observers: ShadowObservers | None = None,
    ) -> None:
        self._decider = decider
        self._frame = frame
        self._takes_tables = tuple(read_columns) == frame.columns
        self._journal = journal
        self._observers = observers or ShadowObservers()
        self._queue: queue.SimpleQueue[Offer | None] = queue.SimpleQueue()
        self._waiting = 0
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def offer(self, decisions: Decisions, parts: Sequence[Rows]) -> None:
        """Queue the rows of a batch that has been decided, or drop them; never wait."""
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="shadow", daemon=True)
                self._thread.start()
            fits = self._waiting + len(decisions) <= MOST_WAITING
            if fits:
                self._waiting += len(decisions)
        if fits:
            self._queue.put((decisions, parts))
        else:
            self._observers.dropped(len(decisions))

    def close(self) -> None:
        """Finish what waits."""
        if self._thread is not None:
            self._queue.put(None)
            self._thread.join()

    def _run(self) -> None:
        while True:
            work, ended = self._gather()
            if work:
                self._finish(work)
            if ended:
                return

    def _gather(self) -> tuple[list[Offer], bool]:
        """Return batches to score together, at least one, and whether the last of all is among them."""
        work: list[Offer] = []
        rows = 0
        while rows < MOST_TOGETHER:
            if work and self._queue.empty():
                break
            offer = self._queue.get()
            if offer is None:
                return work, True
            if not work and self._waiting < MOST_TOGETHER:
                time.sleep(GATHER_SECONDS)
            work.append(offer)
            rows += len(offer[0])
        return work, False

    def _finish(self, work: Sequence[Offer]) -> None:
        ids, parts = self._scorable(work)
        rows = sum(len(decisions) for decisions, _ in work)
        if rows > len(ids):
            self._observers.dropped(rows - len(ids))
        try:
            if ids:
                self._score(ids, parts)
        except Exception as error:
            # Its message may hold a value.
            logger.error("the shadow of %s failed: %s", self._decider.basis.model, type(error).__name__)  # noqa: TRY400
            self._observers.failed(len(ids))
        finally:
            with self._lock:
                self._waiting -= rows

    def _scorable(self, work: Sequence[Offer]) -> tuple[list[str], list[Rows]]:
        """Return all rows but those of tables in columns that this model does not read, and their decisions' ids."""
        ids: list[str] = []
        parts: list[Rows] = []
        for decisions, offered in work:
            start = 0
            for part in offered:
                if self._takes_tables or not isinstance(part, Table):
                    parts.append(part)
                    ids += decisions.decision_ids[start : start + len(part)]
                start += len(part)
        return ids, parts

    def _score(self, ids: Sequence[str], parts: Sequence[Rows]) -> None:
        inputs: Inputs = joined_inputs(parts, self._frame)
        made = self._decider.decide(inputs, np.zeros(len(inputs), dtype=bool), reasons=False)
        self._journal.append_challenges(
            self._decider.basis, ids, made.pd.tolist(), made.declined.tolist(), rows_of(inputs.numeric)
        )
        self._observers.scored(len(ids))
