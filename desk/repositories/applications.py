"""Look up applications and what was made of them, and change them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import ScalarSelect, Select, case, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import defer

from desk.database.base import utc_now
from desk.database.people import Client, Credit, User
from desk.database.work import Application, Choice, DocumentRequest, LatestScore, Note, Score, Status, Verdict
from desk.repositories.paging import Page, Paged, contains, read_page

Order = Literal["age", "band", "amount", "client"]
SENT = (Status.SUBMITTED, Status.SCORING, Status.DECIDED)
"""Where an application stands that was sent and not withdrawn."""


class Applications:
    """The applications that a session's viewer may see."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def get(self, application_id: int) -> Application | None:
        """Return an application; None if the viewer may not see one of that number."""
        query = select(Application).where(Application.id == application_id)
        return (await self._session.scalars(query)).one_or_none()

    async def of_client(self, client_id: int) -> list[Application]:
        """Return the applications of a client, the newest first."""
        query = select(Application).where(Application.client_id == client_id)
        return [*await self._session.scalars(query.order_by(Application.created_at.desc(), Application.id.desc()))]

    async def latest(self, client_id: int) -> Application | None:
        """Return the newest application of a client that was sent and not withdrawn; None if there is none."""
        query = (
            select(Application)
            .where(Application.client_id == client_id, Application.status.in_(SENT))
            .order_by(Application.submitted_at.desc(), Application.id.desc())
            .limit(1)
        )
        return (await self._session.scalars(query)).one_or_none()

    async def waiting(self, most: int) -> list[Application]:
        """Return the applications that were sent and that nobody has asked a score for, the oldest first."""
        query = select(Application).where(Application.status == Status.SUBMITTED)
        return [*await self._session.scalars(query.order_by(Application.submitted_at, Application.id).limit(most))]

    async def add(self, *applications: Application) -> None:
        """Add applications; they have their numbers afterwards."""
        self._session.add_all(applications)
        await self._session.flush()

    async def scores(self, application_id: int) -> list[Score]:
        """Return the scores of an application, the newest first."""
        query = select(Score).where(Score.application_id == application_id)
        return [*await self._session.scalars(query.order_by(Score.timestamp.desc(), Score.id.desc()))]

    async def verdicts(self, application_id: int) -> list[Verdict]:
        """Return what people decided about an application, the newest first."""
        query = select(Verdict).where(Verdict.application_id == application_id)
        return [*await self._session.scalars(query.order_by(Verdict.id.desc()))]

    async def notes(self, application_id: int) -> list[Note]:
        """Return the notes about an application, the oldest first."""
        query = select(Note).where(Note.application_id == application_id).order_by(Note.id)
        return [*await self._session.scalars(query)]

    async def document_requests(self, application_id: int) -> list[DocumentRequest]:
        """Return the documents that were asked for, the oldest first."""
        query = select(DocumentRequest).where(DocumentRequest.application_id == application_id)
        return [*await self._session.scalars(query.order_by(DocumentRequest.id))]

    async def flush(self) -> None:
        """Write what was changed, so that versions and numbers are those that will be kept."""
        await self._session.flush()

    async def record(self, found: Score | Verdict | Note | DocumentRequest) -> None:
        """Keep a score, or what a person said or asked."""
        self._session.add(found)
        await self._session.flush()

    async def queue(
        self,
        page: Page,
        order: Order = "age",
        statuses: Sequence[Status] = SENT,
        band: str = "",
        search: str = "",
        descending: bool = False,
    ) -> Paged[tuple[Application, Client, User, Credit | None, Score | None]]:
        """Return a page of the applications that were sent, each with its client, credit and latest score.

        Args:
            page: which one.
            order: by age, the oldest first; by band; by amount of the client's credit; by the client's name.
            statuses: only those that stand there.
            band: only those with that band in the latest score.
            search: only those of clients with this text in login or name.
            descending: the other way round.
        """
        query = _queue().where(Application.status.in_(statuses))
        score = LatestScore
        if band:
            query = query.where(score.band == band)
        if search:
            pattern = contains(search)
            query = query.where(User.login.ilike(pattern, escape="/") | User.full_name.ilike(pattern, escape="/"))
        by = {
            "age": Application.submitted_at,
            "band": score.score,
            "amount": Credit.amount_total,
            "client": User.full_name,
        }[order]
        query = query.order_by(by.desc().nulls_last() if descending else by.asc().nulls_last(), Application.id)
        return await read_page(self._session, query, page)

    async def move(self, application_id: int, before: Status, after: Status) -> bool:
        """Let an application stand elsewhere, if it still stands where it did; return whether."""
        moved = await self._session.scalars(
            update(Application)
            .where(Application.id == application_id, Application.status == before)
            .values(status=after, version=Application.version + 1)
            .returning(Application.id)
        )
        return moved.one_or_none() is not None

    async def count_by_status(self) -> dict[Status, int]:
        """Return how many applications stand where; those where none stands are left out."""
        query = select(Application.status, func.count()).group_by(Application.status)
        return {row[0]: row[1] for row in await self._session.execute(query)}

    async def overrides(self) -> list[tuple[User, int, int]]:
        """Return who gave verdicts, how many that approve or decline, and how many of those against the score."""
        against = func.sum(case((Verdict.is_override, 1), else_=0))
        query = (
            select(User, func.count(Verdict.id), against)
            .join(User, User.id == Verdict.user_id)
            .where(Verdict.choice != Choice.ASK_FOR_MORE)
            .group_by(User.id)
            .order_by(against.desc(), User.login)
        )
        return [(row[0], row[1], row[2]) for row in await self._session.execute(query)]

    async def count_by_band(self) -> dict[str, int]:
        """Return how many of the applications that were sent have which band in their latest score, by band."""
        query = (
            select(LatestScore.band, func.count())
            .select_from(Application)
            .join(LatestScore, LatestScore.id == _newest())
            .where(Application.status.in_(SENT))
            .group_by(LatestScore.band)
            .order_by(LatestScore.band)
        )
        return {row[0]: row[1] for row in await self._session.execute(query)}


def submit(application: Application, fields: dict[str, Any], at: datetime | None = None) -> None:
    """Send an application with its fields, as the scorecard's contract has found them right."""
    application.fields = fields
    application.status = Status.SUBMITTED
    application.submitted_at = at or utc_now()


def _newest() -> ScalarSelect[int]:
    of_application = select(func.max(Score.id)).where(Score.application_id == Application.id)
    return of_application.correlate(Application).scalar_subquery()


def _queue() -> Select[*tuple[Any, ...]]:
    return (
        select(Application, Client, User, Credit, LatestScore)
        .join(Client, Client.id == Application.client_id)
        .join(User, User.id == Client.user_id)
        .outerjoin(Credit, Credit.client_id == Client.id)
        .outerjoin(LatestScore, LatestScore.id == _newest())
        # The long ones are for an application's own page.
        .options(
            defer(Application.fields, raiseload=True),
            defer(Credit.payment_history, raiseload=True),
            defer(LatestScore.fields, raiseload=True),
            defer(LatestScore.reasons, raiseload=True),
        )
    )
