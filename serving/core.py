"""What the service offers, free of transport: both doors to it call this.

The doors are the ASGI face, which answers the hot routes, and BentoML's typed methods.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from http import HTTPStatus
from time import monotonic
from typing import Any, TypeVar

from scoring.application import Application
from scoring.batcher import BatcherClosedError, QueueTimeoutError
from scoring.decision import decision_model
from scoring.errors import RowError
from scoring.history.store import HistoryUnavailableError
from scoring.journal.names import KeyConflictError
from scoring.journal.schema import JournalError
from scoring.journal.transaction import JournalUnavailableError
from scoring.scorer import BatchSlice, Caller
from serving.arrow import TableRows, read_rows
from serving.explain import explain
from serving.metrics import Metrics
from serving.outcomes import OutcomeBatch, OutcomesTaken, outcome_batch_model, take
from serving.payloads import (
    Batch,
    BrokenRow,
    Explanation,
    Health,
    HistoryInfo,
    ModelInfo,
    Reloaded,
    batch_decisions,
    batch_decisions_model,
    batch_model,
)
from serving.problems import MOST_ERRORS, ProblemError
from serving.serving_models import ServingModels
from serving.startup import WRONG_PARTS, StartupConfig, same_requests

# Up to here reading a table takes less time than handing it to a thread and back.
INLINE_ARROW_BYTES = 64 << 10

logger = logging.getLogger("bentoml.scorebox")

Read = TypeVar("Read")


class Core:
    """One scorecard's service: decisions, and what is known of the models that make them.

    Args:
        parts: what it starts with.
        find: looks for the parts that release, policy and challenge name now, for `reload`.
    """

    def __init__(self, parts: StartupConfig, find: Callable[[], StartupConfig] | None = None) -> None:
        self.settings = parts.settings
        self.scorecard = parts.scorecard
        self.draining = False
        """True from SIGTERM on: still answering, no longer ready."""
        self.metrics = Metrics(lambda: self._lineup.oldest_wait)
        self._find = find or (lambda: parts)
        self._reloading = asyncio.Lock()
        self._retiring: set[asyncio.Task[None]] = set()
        # One at a time: a search may score thousands of rows, and decisions come first.
        self._explaining = ThreadPoolExecutor(1, thread_name_prefix="explain")
        # One at a time too: they hold the interpreter, and the loop must get to it between them. Never shut down: what
        # comes after the close is read and refused.
        self._reading = ThreadPoolExecutor(1, thread_name_prefix="read")
        self._lineup = ServingModels(parts, self.metrics)
        self.metrics.serves(parts, self._lineup.contest)
        self.application = self._lineup.application
        self.batch = batch_model(self.application, parts.settings.max_batch_rows)
        self.decision = decision_model(parts.scorecard)
        self.batch_decisions = batch_decisions_model(self.decision)
        self.outcome_batch = outcome_batch_model(parts.settings.max_batch_rows)

    @property
    def health(self) -> Health:
        """That the service takes requests."""
        record = self._lineup.parts.champion.model.record
        return Health(status="ready", scorecard=record.scorecard, model=record.tag, variant=record.variant)

    @property
    def model_info(self) -> ModelInfo:
        """What serves; a history may have been replaced since the start."""
        info = self._lineup.model_info
        history = self._lineup.parts.champion.history
        if history is None:
            return info
        found = history.record
        about = HistoryInfo(clients=found.clients, snapshot_sha256=found.snapshot_sha256, created_at=found.created_at)
        return info.model_copy(update={"history": about})

    def open(self) -> None:
        """Takes the journal, in the process that answers.

        Raises:
            JournalError: it cannot be written.
        """
        journal = self._lineup.parts.journal
        if journal is not None:
            journal.open()
        self._lineup.say()

    async def reload(self) -> Reloaded:
        """Takes up what release, policy and challenge name now; what serves goes on serving until that is ready.

        Raises:
            ProblemError: something is missing or not what it should be; everything stays as it was.
        """
        async with self._reloading:
            before = self._lineup
            try:
                parts = await asyncio.to_thread(self._find)
                lineup = await asyncio.to_thread(ServingModels, parts, self.metrics)
            except WRONG_PARTS as error:
                detail = f"nothing was reloaded: {' '.join(str(error).split())}"
                raise ProblemError(HTTPStatus.CONFLICT, detail) from None
            if not same_requests(before.parts, parts):
                await lineup.close()
                detail = "nothing was reloaded: the new model reads other protected fields, start the service anew"
                raise ProblemError(HTTPStatus.CONFLICT, detail)
            self._lineup = lineup
            self.metrics.serves(parts, lineup.contest)
            # What a shadow has waiting may take long, and nobody need wait for it.
            task = asyncio.create_task(self._retire(before), name="retire")
            self._retiring.add(task)
            task.add_done_callback(self._retiring.discard)
        lineup.say()
        return Reloaded(changed=lineup.names != before.names, **lineup.names)

    async def read_aside(self, read: Callable[[], Read]) -> Read:
        """What reading a large body gives, off the event loop; refused if it waits too long for its turn.

        Raises:
            ProblemError: the service is overloaded.
        """
        since, most = monotonic(), self.settings.max_wait

        def begin() -> Read:
            if monotonic() - since > most:
                raise QueueTimeoutError(f"waited longer than {most:g} s")
            return read()

        with self._refusing():
            return await asyncio.get_running_loop().run_in_executor(self._reading, begin)

    async def predict(self, application: Application, caller: Caller) -> dict[str, Any]:
        """The members of the application's `Decision`.

        Raises:
            ProblemError: the caller's key stands for another request, or the service cannot decide now.
        """
        with self._refusing(caller), self._lineup as contest:
            decisions, row, _ = await contest.decide(application, caller)
        return decisions.members(row, every_reason=caller.every_reason)

    async def predict_batch(self, batch: Batch, caller: Caller) -> dict[str, Any]:
        """The members of the batch's `BatchDecisions`; broken rows are named and the others decided.

        Raises:
            ProblemError: no row is good, or the service is overloaded.
        """
        rows = batch.applications
        positions = [index for index, row in enumerate(rows) if not isinstance(row, BrokenRow)]
        errors = [
            RowError(index=index, errors=row.errors) for index, row in enumerate(rows) if isinstance(row, BrokenRow)
        ]
        self._check(errors, len(positions))
        with self._refusing(caller), self._lineup as contest:
            shares = await contest.decide_all([rows[index] for index in positions], caller)
        return batch_decisions(len(rows), shares, positions, errors, every_reason=caller.every_reason)

    async def explain(self, application: Application) -> Explanation:
        """Why the application would be decided as it would, by the champion.

        Raises:
            ProblemError: the history cannot be read.
        """
        lineup = self._lineup
        with self._refusing(), lineup:
            return await asyncio.get_running_loop().run_in_executor(
                self._explaining, explain, self.scorecard, lineup.decider, lineup.frame, application
            )

    async def predict_table(self, body: bytes, caller: Caller) -> tuple[TableRows, list[BatchSlice]]:
        """The rows of an Arrow stream, and the decisions of the good ones.

        Raises:
            ProblemError: the body is not a table of applications, no row is good, or the service is overloaded.
        """
        lineup = self._lineup
        kept = lineup.parts.journal is not None
        read = partial(read_rows, body, lineup.frame, self.settings.max_arrow_rows, kept=kept)
        with self._refusing(caller), lineup:
            if len(body) > INLINE_ARROW_BYTES or lineup.remote:
                table = await self.read_aside(read)
            else:
                table = read()
            self._check(table.errors, len(table.rows))
            return table, await lineup.contest.decide_all(table.rows, caller)

    async def outcomes(self, batch: OutcomeBatch, caller: Caller) -> OutcomesTaken:
        """What became of each outcome.

        Raises:
            ProblemError: the journal is off, or takes nothing now.
        """
        try:
            return await asyncio.to_thread(take, self._lineup.parts.journal, batch, caller.request_id)
        except (JournalError, JournalUnavailableError) as error:
            self.metrics.journal_failed()
            logger.error("%s", error)  # noqa: TRY400  # the message says it all
            raise _refusal("the outcomes cannot be kept now; send them again later") from None

    async def close(self) -> None:
        """Finishes what waits and takes no more."""
        self._explaining.shutdown()
        await self._lineup.close()
        await asyncio.gather(*self._retiring)
        journal = self._lineup.parts.journal
        if journal is not None:
            journal.close()

    async def _retire(self, before: ServingModels) -> None:
        await before.close()
        # The guard may have withdrawn the challenger while its last requests were answered.
        self._lineup.contest.heed_withdrawal()

    def _check(self, errors: list[RowError], good: int) -> None:
        self.metrics.broken(item for error in errors for item in error.errors)
        if not good:
            detail = "every application of the batch breaks its contract"
            if len(errors) > MOST_ERRORS:
                detail += f"; the first {MOST_ERRORS} are listed"
            raise ProblemError(HTTPStatus.UNPROCESSABLE_ENTITY, detail, rows=errors)

    def _refusing(self, caller: Caller | None = None) -> _Refusing:
        if caller is not None and caller.key is not None and self._lineup.parts.journal is None:
            detail = "the journal is off, and without it no Idempotency-Key can be kept"
            raise ProblemError(HTTPStatus.BAD_REQUEST, detail)
        return _Refusing(self.metrics)


class _Refusing:
    """Makes problems of what keeps the service from deciding; a class, since a generator costs each request more."""

    __slots__ = ("_metrics",)

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        match error:
            case None:
                return
            case KeyConflictError():
                detail = "the Idempotency-Key stands for another request: send this one under a key of its own"
                raise ProblemError(HTTPStatus.CONFLICT, detail) from None
            case JournalUnavailableError():
                self._metrics.journal_failed()
                logger.error("%s", error)
                raise _refusal("the decision cannot be kept, so none was made; send the request again later") from None
            case QueueTimeoutError():
                self._metrics.shed()
                raise _refusal(f"the service is overloaded: the request {error}; send it again later") from None
            case HistoryUnavailableError():
                self._metrics.history_failed()
                raise _refusal(f"{error}; send the request again later") from None
            case BatcherClosedError():
                raise _refusal("the service is shutting down; send the request again") from None


def _refusal(detail: str) -> ProblemError:
    return ProblemError(HTTPStatus.SERVICE_UNAVAILABLE, detail, headers=[(b"retry-after", b"1")])
