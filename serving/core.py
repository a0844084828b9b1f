"""The service without HTTP: both doors to it call this.

The doors are the ASGI face, which answers the routes, and BentoML's typed methods.
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
from scoring.batcher import QueueTimeoutError
from scoring.decision import BatchSlice, decision_model
from scoring.errors import RowError
from scoring.journal.schema import JournalError
from scoring.journal.transaction import JournalUnavailableError
from scoring.scorer import Caller
from serving.arrow import TableRows, read_rows
from serving.batches import Batch, BrokenRow, batch_model
from serving.explain import explain
from serving.metrics import Metrics
from serving.outcomes import OutcomeBatch, OutcomesTaken, outcome_batch_model, record_outcomes
from serving.payloads import (
    Explanation,
    Health,
    HistoryInfo,
    Limits,
    ModelInfo,
    Reloaded,
    batch_decisions,
    batch_decisions_model,
)
from serving.problems import MOST_ERRORS, ProblemError
from serving.refusals import OutcomesNotKeptError
from serving.serving_models import ServingModels
from serving.startup import STARTUP_ERRORS, StartupConfig, require_same_fields
from serving.warm import warm

logger = logging.getLogger("bentoml.scorebox")

# Up to here reading a table takes less time than handing it to a thread and back.
INLINE_ARROW_BYTES = 64 << 10

Read = TypeVar("Read")


class Core:
    """One scorecard's service: decisions, and facts about the models that make them.

    Exceptions of the scorer pass through; `serving/refusals.py` lists the problem that answers each.

    Args:
        config: the models, policy, journal and settings that it starts with.
        load: loads what release, policy and challenge name now, for `reload`.
    """

    openapi: Callable[[], bytes]
    """Makes the OpenAPI document; set in the process that answers, by the seam to BentoML."""

    def __init__(self, config: StartupConfig, load: Callable[[], StartupConfig] | None = None) -> None:
        self.settings = config.settings
        self.scorecard = config.scorecard
        self.draining = False
        """True from SIGTERM on: still answering, no longer ready."""
        self.metrics = Metrics(lambda: self._models.oldest_wait)
        self._load = load or (lambda: config)
        self._reloading = asyncio.Lock()
        self._retiring: set[asyncio.Task[None]] = set()
        # One at a time: a search may score thousands of rows, and decisions come first.
        self._explaining = ThreadPoolExecutor(1, thread_name_prefix="explain")
        # One at a time too: they hold the interpreter, and the loop must get to it between them. Never shut down: what
        # arrives after the close is read and refused.
        self._reading = ThreadPoolExecutor(1, thread_name_prefix="read")
        self._models = ServingModels(config, self.metrics)
        # Of those before a reload too: their last requests, and keys that come again, are answered after it.
        self._numbers = self._models.numbers
        self.metrics.set_serving(config, self._models.traffic_split)
        self.limits = Limits.of(config.settings)
        self.application = self._models.application
        self.batch = batch_model(self.application, self.limits.batch_rows)
        self.decision = decision_model(config.scorecard)
        self.batch_decisions = batch_decisions_model(self.decision)
        self.outcome_batch = outcome_batch_model(self.limits.batch_rows)
        # Straight from bytes; they raise ValidationError.
        self.read_application: Callable[[bytes], Application] = self.application.model_validate_json
        self.read_batch: Callable[[bytes], Batch] = self.batch.model_validate_json
        self.read_outcomes: Callable[[bytes], OutcomeBatch] = self.outcome_batch.model_validate_json

    @property
    def health(self) -> Health:
        """The model that takes requests."""
        record = self._models.config.champion.model.record
        return Health(status="ready", scorecard=record.scorecard, model=record.tag, variant=record.variant)

    def number_of(self, tag: str) -> str:
        """Return the registry's number of a model that decides or has decided here, as text.

        Args:
            tag: the model's exact tag. One that this process has not served gives its version in the store.
        """
        return self._numbers.get(tag) or tag.partition(":")[2].rpartition("-")[0]

    @property
    def model_info(self) -> ModelInfo:
        """The model that serves; its history may have been replaced since the start."""
        info = self._models.model_info
        history = self._models.config.champion.history
        if history is None:
            return info
        record = history.record
        history_info = HistoryInfo(
            clients=record.clients, snapshot_sha256=record.snapshot_sha256, created_at=record.created_at
        )
        return info.model_copy(update={"history": history_info})

    def open(self) -> None:
        """Open the journal, in the process that answers.

        Raises:
            JournalError: it cannot be written.
        """
        journal = self._models.config.journal
        if journal is not None:
            journal.open()
        logger.info("decisions are kept %s", "nowhere" if journal is None else f"in the journal {journal.folder}")
        self._models.log_state()

    def warm(self) -> None:
        """Decide the example in every form once, so that no caller waits for what the first time takes longer."""
        warm(self.scorecard, self._models.decider)

    async def reload(self) -> Reloaded:
        """Load what release, policy and challenge name now; the models before serve until those are ready.

        Raises:
            ProblemError: something is missing or not what it should be; everything stays as it was.
        """
        async with self._reloading:
            before = self._models
            try:
                config = await asyncio.to_thread(self._load)
                models = await asyncio.to_thread(ServingModels, config, self.metrics)
            except STARTUP_ERRORS as error:
                detail = f"nothing was reloaded: {' '.join(str(error).split())}"
                raise ProblemError(HTTPStatus.CONFLICT, detail) from None
            if not require_same_fields(before.config, config):
                await models.close()
                detail = "nothing was reloaded: the new model reads other protected fields, start the service anew"
                raise ProblemError(HTTPStatus.CONFLICT, detail)
            self._models = models
            self._numbers |= models.numbers
            self.metrics.set_serving(config, models.traffic_split)
            # A shadow may have many rows waiting; no request needs them.
            task = asyncio.create_task(self._retire(before), name="retire")
            self._retiring.add(task)
            task.add_done_callback(self._retiring.discard)
        models.log_state()
        return Reloaded(changed=models.names != before.names, **models.names)

    async def read_in_thread(self, read: Callable[[], Read]) -> Read:
        """Read a large body off the event loop.

        Raises:
            QueueTimeoutError: it waited too long for its turn.
        """
        since, max_wait = monotonic(), self.settings.max_wait

        def begin() -> Read:
            if monotonic() - since > max_wait:
                raise QueueTimeoutError(f"waited longer than {max_wait:g} s")
            return read()

        return await asyncio.get_running_loop().run_in_executor(self._reading, begin)

    async def predict(self, application: Application, caller: Caller) -> dict[str, Any]:
        """Decide one application; return the members of its `Decision`.

        Raises:
            ProblemError: the caller sends a key, and there is no journal to keep it.
            Exception: as `Scorer.decide`.
        """
        self._check_key(caller)
        with self._models as traffic_split:
            decisions, row, _ = await traffic_split.decide(application, caller)
        return decisions.members(row, every_reason=caller.every_reason)

    async def predict_batch(self, batch: Batch, caller: Caller) -> dict[str, Any]:
        """Decide the good applications of a batch; return the members of its `BatchDecisions`.

        Raises:
            ProblemError: no application is good, or a key has no journal to keep it.
            Exception: as `Scorer.decide`.
        """
        rows = batch.applications
        positions = [index for index, row in enumerate(rows) if not isinstance(row, BrokenRow)]
        errors = [
            RowError(index=index, errors=row.errors) for index, row in enumerate(rows) if isinstance(row, BrokenRow)
        ]
        self._check_rows(errors, len(positions))
        self._check_key(caller)
        with self._models as traffic_split:
            slices = await traffic_split.decide_all([rows[index] for index in positions], caller)
        return batch_decisions(len(rows), slices, positions, errors, every_reason=caller.every_reason)

    async def explain(self, application: Application) -> Explanation:
        """Explain how the champion would decide an application.

        Raises:
            HistoryUnavailableError: the history cannot be read.
        """
        models = self._models
        with models:
            return await asyncio.get_running_loop().run_in_executor(
                self._explaining, explain, self.scorecard, models.decider, models.frame, application
            )

    async def predict_table(self, body: bytes, caller: Caller) -> tuple[TableRows, list[BatchSlice]]:
        """Decide the good rows of an Arrow stream; return its rows, and their decisions in order.

        Raises:
            ProblemError: the body is not a table of applications, no row is good, or a key has no journal to keep it.
            Exception: as `Scorer.decide`.
        """
        self._check_key(caller)
        models = self._models
        kept = models.config.journal is not None
        read = partial(read_rows, body, models.frame, self.limits.arrow_rows, kept=kept)
        with models as traffic_split:
            if len(body) > INLINE_ARROW_BYTES or models.history_is_remote:
                table = await self.read_in_thread(read)
            else:
                table = read()
            self._check_rows(table.errors, len(table.rows))
            return table, await traffic_split.decide_all(table.rows, caller)

    async def outcomes(self, batch: OutcomeBatch, caller: Caller) -> OutcomesTaken:
        """Record outcomes; return how many, and why the others were not.

        Raises:
            ProblemError: the journal is off.
            OutcomesNotKeptError: the journal takes nothing now.
        """
        try:
            return await asyncio.to_thread(record_outcomes, self._models.config.journal, batch, caller.request_id)
        except (JournalError, JournalUnavailableError) as error:
            raise OutcomesNotKeptError(str(error)) from None

    async def close(self) -> None:
        """Finish the requests that wait, and refuse more."""
        self._explaining.shutdown()
        await self._models.close()
        await asyncio.gather(*self._retiring)
        journal = self._models.config.journal
        if journal is not None:
            journal.close()

    async def _retire(self, before: ServingModels) -> None:
        await before.close()
        # The guard may have withdrawn the challenger while its last requests were answered.
        self._models.traffic_split.apply_withdrawal()

    def _check_rows(self, errors: list[RowError], good: int) -> None:
        self.metrics.count_broken_rules(item for error in errors for item in error.errors)
        if not good:
            detail = "every application of the batch breaks its contract"
            if len(errors) > MOST_ERRORS:
                detail += f"; the first {MOST_ERRORS} are listed"
            raise ProblemError(HTTPStatus.UNPROCESSABLE_ENTITY, detail, rows=errors)

    def _check_key(self, caller: Caller) -> None:
        if caller.key is not None and self._models.config.journal is None:
            detail = "the journal is off, and without it no Idempotency-Key can be kept"
            raise ProblemError(HTTPStatus.BAD_REQUEST, detail)
