"""Keep, hand out and finish requests for a score."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from desk.database.jobs import ScoringJob
from desk.database.work import Application, Score


class ScoringJobs:
    """The requests for a score that a session's viewer may see."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def get(self, request_id: UUID) -> ScoringJob | None:
        """Return a request; None if the viewer may not see one of that id."""
        query = select(ScoringJob).where(ScoringJob.request_id == request_id)
        return (await self._session.scalars(query)).one_or_none()

    async def score(self, request_id: UUID) -> Score | None:
        """Return the score that answers a request; None if there is none yet, or the viewer may not see it."""
        return (await self._session.scalars(select(Score).where(Score.request_id == request_id))).one_or_none()

    async def unfinished(self, application_id: int) -> ScoringJob | None:
        """Return the request for an application that is on its way."""
        query = select(ScoringJob).where(ScoringJob.application_id == application_id, ScoringJob.finished_at.is_(None))
        return (await self._session.scalars(query)).first()

    async def add(self, *jobs: ScoringJob) -> None:
        """Keep new requests."""
        self._session.add_all(jobs)
        await self._session.flush()

    async def take_due(self, at: datetime, until: datetime, most: int) -> list[tuple[ScoringJob, str]]:
        """Take up requests that are due, the oldest first, each with its scorecard; nobody else does until then.

        Args:
            at: the present moment.
            until: when somebody else may take up what is not finished.
            most: how many.
        """
        query = (
            select(ScoringJob, Application.scorecard)
            .join(Application, Application.id == ScoringJob.application_id)
            .where(ScoringJob.finished_at.is_(None), ScoringJob.due_at <= at)
            .order_by(ScoringJob.due_at)
            .limit(most)
            .with_for_update(of=ScoringJob, skip_locked=True)
        )
        taken = [(row[0], row[1]) for row in await self._session.execute(query)]
        for job, _ in taken:
            job.due_at = until
            job.attempts += 1
        await self._session.flush()
        return taken

    async def put_off(self, request_id: UUID, due_at: datetime) -> None:
        """Let a request be tried again later."""
        await self._session.execute(
            update(ScoringJob)
            .where(ScoringJob.request_id == request_id, ScoringJob.finished_at.is_(None))
            .values(due_at=due_at)
        )

    async def finish(
        self, request_id: UUID, at: datetime, errors: Sequence[dict[str, Any]] | None = None
    ) -> ScoringJob | None:
        """Finish a request; return it, or None if it was finished already."""
        query = select(ScoringJob).where(ScoringJob.request_id == request_id).with_for_update()
        job = (await self._session.scalars(query)).one_or_none()
        if job is None or job.finished_at is not None:
            return None
        job.finished_at = at
        job.errors = None if errors is None else list(errors)
        return job

    async def count_unfinished(self) -> int:
        """Return how many are on their way."""
        query = select(func.count(ScoringJob.request_id)).where(ScoringJob.finished_at.is_(None))
        return await self._session.scalar(query) or 0
