"""Take up requests for a score as they fall due, get them decided, and keep the answers once.

Any number of processes may do so at the same time. Each takes requests up for a while; those of a process that was
killed fall due again. The service decides once for a request, and the database keeps one answer to it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from contextlib import suppress
from datetime import timedelta
from uuid import UUID

from desk.database.base import utc_now
from desk.database.connection import ConflictError, Database, DatabaseAwayError
from desk.database.scope import DESK
from desk.database.work import Score, Status
from desk.repositories.unit import unit_of_work
from desk.scoring.service import TIMEOUT_SECONDS, Answer, RefusedError, Service, ServiceAwayError

AT_ONCE = 32
"""Requests that one process has under way."""
TAKEN_FOR = timedelta(seconds=2 * TIMEOUT_SECONDS)
"""After which a request that is not finished is taken up by somebody else."""
LOOK_EVERY_SECONDS = 1.0
"""How often a process looks for requests that it was not told of."""
LONGEST_WAIT_SECONDS = 15.0
"""Between two attempts, where the service does not ask for more."""
_LOG = logging.getLogger("scorebox.desk")


class Dispatcher:
    """Gets applications scored, in the background of a process.

    Args:
        database: the desk's.
        services: by scorecard.
    """

    def __init__(self, database: Database, services: Mapping[str, Service]) -> None:
        self._database = database
        self._services = services
        self._asked = asyncio.Event()
        self._under_way: set[asyncio.Task[None]] = set()

    def wake(self) -> None:
        """Look for requests now."""
        self._asked.set()

    async def run(self) -> None:
        """Work until the task is cancelled."""
        try:
            while True:
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._asked.wait(), LOOK_EVERY_SECONDS)
                self._asked.clear()
                await self._take_up()
        finally:
            for task in self._under_way:
                task.cancel()
            await asyncio.gather(*self._under_way, return_exceptions=True)
            for service in self._services.values():
                await service.close()

    async def _take_up(self) -> None:
        free = AT_ONCE - len(self._under_way)
        if free <= 0:
            return
        at = utc_now()
        try:
            async with unit_of_work(self._database, DESK) as unit:
                taken = await unit.scoring_jobs.take_due(at, at + TAKEN_FOR, free)
        except (DatabaseAwayError, ConflictError) as error:
            _LOG.error("requests for scores wait: %s", error)
            return
        for job, scorecard in taken:
            task = asyncio.create_task(self._score(job.request_id, scorecard, job.fields, job.attempts))
            self._under_way.add(task)
            task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._under_way.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            _LOG.error("a request for a score waits: %s", error if _is_expected(error) else type(error).__name__)
        # There may be more than were taken up at once.
        self._asked.set()

    async def _score(self, request_id: UUID, scorecard: str, fields: dict[str, object], attempts: int) -> None:
        try:
            if scorecard not in self._services:
                raise ServiceAwayError(f"SCOREBOX_DESK_SERVICES names no service of {scorecard}")
            answer = await self._services[scorecard].decide(request_id, fields)
        except RefusedError as error:
            await self._keep_refusal(request_id, error)
        except ServiceAwayError as error:
            seconds = max(error.retry_after, min(2.0 ** min(attempts - 1, 10), LONGEST_WAIT_SECONDS))
            _LOG.warning("%s; request %s is tried again in %.0f s", error, request_id, seconds)
            async with unit_of_work(self._database, DESK) as unit:
                await unit.scoring_jobs.put_off(request_id, utc_now() + timedelta(seconds=seconds))
        else:
            await self._keep(request_id, answer)

    async def _keep(self, request_id: UUID, answer: Answer) -> None:
        async with unit_of_work(self._database, DESK) as unit:
            job = await unit.scoring_jobs.finish(request_id, utc_now())
            if job is None:
                return
            score = Score(
                application_id=job.application_id,
                request_id=request_id,
                score=answer.pd,
                fields=job.fields,
                **answer.model_dump(exclude={"pd"}),
            )
            await unit.applications.record(score)
            await unit.applications.move(job.application_id, Status.SCORING, Status.DECIDED)

    async def _keep_refusal(self, request_id: UUID, refused: RefusedError) -> None:
        async with unit_of_work(self._database, DESK) as unit:
            job = await unit.scoring_jobs.finish(request_id, utc_now(), refused.errors)
            if job is not None:
                await unit.applications.move(job.application_id, Status.SCORING, Status.SUBMITTED)


def _is_expected(error: BaseException) -> bool:
    return isinstance(error, DatabaseAwayError | ConflictError)
