"""Begin, look up and end the sessions of people who are logged in."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from desk.database.access import LoginSession
from desk.database.people import User


class LoginSessions:
    """The sessions that a session's viewer may see: one's own."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def find(self, token_sha256: bytes, at: datetime) -> tuple[LoginSession, User] | None:
        """Return the session of a token that has not expired, and its user, whose account is open."""
        query = (
            select(LoginSession, User)
            .join(User, User.id == LoginSession.user_id)
            .where(LoginSession.token_sha256 == token_sha256, LoginSession.expires_at > at, User.closed_at.is_(None))
        )
        row = (await self._session.execute(query)).one_or_none()
        return None if row is None else (row[0], row[1])

    async def begin(self, session: LoginSession, at: datetime) -> None:
        """Keep a new session; those that have expired go."""
        await self._session.execute(delete(LoginSession).where(LoginSession.expires_at <= at))
        self._session.add(session)
        await self._session.flush()

    async def end(self, token_sha256: bytes) -> None:
        """End one session."""
        await self._session.execute(delete(LoginSession).where(LoginSession.token_sha256 == token_sha256))

    async def end_all(self, user_id: int) -> int:
        """End every session of a user; return how many there were."""
        ended = await self._session.scalars(
            delete(LoginSession).where(LoginSession.user_id == user_id).returning(LoginSession.user_id)
        )
        return len(ended.all())
