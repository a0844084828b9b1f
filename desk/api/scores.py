"""Ask for scores, and look at what became of the requests."""

from __future__ import annotations

import asyncio
import re
import time
from http import HTTPStatus
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Header, Request, Response

from desk.api.application_models import ScoreOut, UnderWayOut, score_out
from desk.api.models import Id
from desk.database.connection import Database
from desk.database.jobs import ScoringJob
from desk.database.scope import Viewer
from desk.repositories.unit import unit_of_work
from desk.scoring.asking import ask_for_score
from desk.web.look_up import find_client
from desk.web.problems import ProblemError, not_found
from desk.web.visitors import Anyone, DeskDatabase, Participants
from scoring.errors import FieldError

router = APIRouter(tags=["scores"])
LONGEST_WAIT_SECONDS = 30
LOOK_EVERY_SECONDS = 0.1
Prefer = Annotated[str, Header(max_length=200, description="wait=SECONDS waits for the score, at most 30")]


@router.post("/clients/{client_id}/score", status_code=HTTPStatus.ACCEPTED)
async def score_anew(
    client_id: Id,
    request: Request,
    response: Response,
    database: DeskDatabase,
    visitor: Participants,
    prefer: Prefer = "",
) -> UnderWayOut | ScoreOut:
    """Let the client's latest application be decided anew.

    202 with the place of the score in `Location`, or the score itself (200) with `Prefer: wait=5`.
    """
    async with unit_of_work(database, visitor.viewer) as unit:
        await find_client(unit, client_id)
        latest = await unit.applications.latest(client_id)
        if latest is None:
            raise ProblemError(HTTPStatus.CONFLICT, "the client has sent no application that could be scored")
        job = await ask_for_score(unit, latest, visitor.viewer.user_id)
    request.app.state.dispatcher.wake()
    response.headers["Location"] = f"/scores/{job.request_id}"
    return await _score_or_place(database, visitor.viewer, job.request_id, prefer, response)


@router.get("/scores/{request_id}")
async def score(
    request_id: UUID, response: Response, database: DeskDatabase, visitor: Anyone, prefer: Prefer = ""
) -> UnderWayOut | ScoreOut:
    """Return the score that a request asked for: 202 while it is under way, 422 if the application was refused."""
    return await _score_or_place(database, visitor.viewer, request_id, prefer, response)


async def _score_or_place(
    database: Database, viewer: Viewer, request_id: UUID, prefer: str, response: Response
) -> UnderWayOut | ScoreOut:
    """Return the score if it comes within the time that the caller prefers to wait, else where it will be."""
    end = time.monotonic() + _wait(prefer)
    while True:
        async with unit_of_work(database, viewer, reading=True) as unit:
            job = await unit.scoring_jobs.get(request_id)
            score = await unit.scoring_jobs.score(request_id)
        if job is None:
            raise not_found()
        if score is not None:
            response.status_code = HTTPStatus.OK
            return score_out(score)
        if job.errors:
            errors = [FieldError(**error) for error in job.errors]
            raise ProblemError(HTTPStatus.UNPROCESSABLE_ENTITY, "the service refused the application", errors)
        if time.monotonic() >= end:
            response.status_code = HTTPStatus.ACCEPTED
            return _under_way(job)
        await asyncio.sleep(LOOK_EVERY_SECONDS)


def _under_way(job: ScoringJob) -> UnderWayOut:
    return UnderWayOut(request_id=job.request_id, application_id=job.application_id, asked_at=job.created_at)


def _wait(prefer: str) -> int:
    """Return the seconds of `wait` in a header `Prefer` (RFC 7240), 0 if it has none."""
    found = re.search(r"(?:^|[,;\s])wait=(\d{1,4})(?:$|[,;\s])", prefer)
    return min(int(found[1]), LONGEST_WAIT_SECONDS) if found else 0
