"""The handlers of a dialect: each turns its words into the core's, and the core's answer into its words."""

from __future__ import annotations

import asyncio
from functools import partial
from http import HTTPStatus
from typing import Any

import orjson

from scoring.application import Application
from scoring.errors import RowError
from scoring.moment import now_to_the_millisecond
from scoring.request_dialect import Answered, RequestDialect
from serving.batches import Batch, BrokenRow
from serving.core import Core
from serving.dialects.payloads import DialectHealth, DialectModelInfo, DialectReloaded
from serving.exchange import Answer, Exchange
from serving.handlers import INLINE_BATCH_BYTES, authorise, require_ready
from serving.problems import ProblemError, to_json


class DialectHandlers:
    """The handlers of one dialect, for one core.

    Args:
        dialect: the words.
        batch: the model of a body with many of its applications.
    """

    def __init__(self, dialect: RequestDialect, batch: type[Batch]) -> None:
        self._dialect = dialect
        self._read = dialect.application.model_validate_json
        self._read_batch = batch.model_validate_json

    async def predict(self, core: Core, exchange: Exchange, body: bytes) -> Answer:
        """Decide one application."""
        caller = exchange.caller(body, core.settings.request_timeout)
        application = self._own(core, self._read(body))
        exchange.rows = 1
        decision = await core.predict(application, caller)
        exchange.decision_id = decision["decision_id"]
        return Answer(orjson.dumps(self._members(core, decision)))

    async def predict_batch(self, core: Core, exchange: Exchange, body: bytes) -> Answer:
        """Decide many applications, or none if one of them is broken."""
        caller = exchange.caller(body, core.settings.request_timeout)
        read = partial(self._read_own_batch, core, body)
        batch = read() if len(body) <= INLINE_BATCH_BYTES else await core.read_in_thread(read)
        exchange.rows = len(batch.applications)
        decisions = (await core.predict_batch(batch, caller))["decisions"]
        return Answer(
            to_json(
                {
                    "predictions": [self._members(core, decision) for decision in decisions],
                    "total_processed": len(decisions),
                    "model_version": core.number_of(core.health.model),
                    "timestamp": now_to_the_millisecond(),
                }
            )
        )

    async def health(self, core: Core, _: Exchange, __: bytes) -> Answer:
        """Tell whether the service takes requests."""
        require_ready(core)
        health = DialectHealth(
            status="healthy", model_path=core.health.model, model_loaded=True, timestamp=now_to_the_millisecond()
        )
        return Answer(health.model_dump_json().encode())

    async def model_info(self, core: Core, _: Exchange, __: bytes) -> Answer:
        """Describe the model that serves."""
        info = DialectModelInfo(
            name=core.scorecard.name,
            version=core.number_of(core.health.model),
            stage="Production",
            description=core.scorecard.title,
        )
        return Answer(info.model_dump_json().encode())

    async def reload(self, core: Core, exchange: Exchange, _: bytes) -> Answer:
        """Load what release, policy and challenge name now."""
        authorise(exchange, core.settings.reload_token)
        # As `/reload`: it goes on if the request is given up.
        changed = (await asyncio.shield(core.reload())).changed
        reloaded = DialectReloaded(
            message="model reloaded" if changed else "nothing has changed",
            model_version=core.number_of(core.health.model),
            timestamp=now_to_the_millisecond(),
        )
        return Answer(reloaded.model_dump_json().encode())

    def _read_own_batch(self, core: Core, body: bytes) -> Batch:
        batch = self._read_batch(body)
        _require_whole(core, batch)
        return core.batch.model_construct(applications=[self._own(core, row) for row in batch.applications])

    def _own(self, core: Core, application: Application) -> Application:
        return core.application.model_validate(self._dialect.values(application))

    def _members(self, core: Core, decision: dict[str, Any]) -> dict[str, Any]:
        return self._dialect.members(
            Answered(
                pd=decision["pd"],
                declined=decision["decision"] == "decline",
                model_version=core.number_of(decision["model"]),
                timestamp=decision["decided_at"],
            )
        )


def _require_whole(core: Core, batch: Batch) -> None:
    """Check that no application of a batch is broken.

    Raises:
        ProblemError: one is; it names each by its index.
    """
    rows = [
        RowError(index=index, errors=row.errors)
        for index, row in enumerate(batch.applications)
        if isinstance(row, BrokenRow)
    ]
    if rows:
        core.metrics.count_broken_rules(error for row in rows for error in row.errors)
        detail = f"{len(rows)} of {len(batch.applications)} applications break the contract, so none was decided"
        raise ProblemError(HTTPStatus.UNPROCESSABLE_ENTITY, detail, rows=rows)
