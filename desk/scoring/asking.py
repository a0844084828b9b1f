"""Ask for a score: the application and the request for it change in one transaction."""

from __future__ import annotations

from uuid import uuid4

from desk.database.jobs import ScoringJob
from desk.database.work import Application, Status
from desk.repositories.unit import Unit


async def ask_for_score(unit: Unit, application: Application, user_id: int | None) -> ScoringJob:
    """Ask for a score of an application that was sent; return the request that is on its way already, if one is.

    Raises:
        ValueError: the application is a draft or withdrawn.
        ConflictError: somebody else changed the application meanwhile.
    """
    if application.status in {Status.DRAFT, Status.WITHDRAWN}:
        raise ValueError(f"an application that is {application.status} gets no score")
    if application.status == Status.SCORING:
        under_way = await unit.scoring_jobs.unfinished(application.id)
        if under_way is not None:
            return under_way
    application.status = Status.SCORING
    job = ScoringJob(
        request_id=uuid4(), application_id=application.id, user_id=user_id, fields=dict(application.fields)
    )
    await unit.scoring_jobs.add(job)
    unit.audit_log.record("ask for score", f"applications/{application.id}", application.client_id)
    return job


async def ask_for_waiting(unit: Unit, most: int) -> int:
    """Ask for scores of applications that were sent and have none under way, the oldest first; return how many."""
    waiting = await unit.applications.waiting(most)
    for application in waiting:
        await ask_for_score(unit, application, None)
    return len(waiting)
