"""Count logins that failed, by which further ones are slowed down."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ColumnElement, delete, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from desk.database.access import FailedLogin


class FailedLogins:
    """The logins that failed; only the desk itself sees them."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def wait_for_turn(self, login: str) -> None:
        """Wait until no other transaction counts logins of the same account; SQLite has one that writes anyway."""
        if self._session.get_bind().dialect.name == "postgresql":
            await self._session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(login, 0))))

    async def record(self, login: str, address: str, at: datetime, forgotten: datetime) -> None:
        """Keep one; those from before `forgotten` go."""
        await self._session.execute(delete(FailedLogin).where(FailedLogin.at < forgotten))
        self._session.add(FailedLogin(login=login, address=address, at=at))
        await self._session.flush()

    async def of_login(self, login: str, since: datetime) -> tuple[int, datetime | None]:
        """Return how many failed for a login since then, and when the last one did."""
        return await self._count(FailedLogin.login == login, since)

    async def of_address(self, address: str, since: datetime) -> tuple[int, datetime | None]:
        """Return how many failed from an address since then, and when the last one did."""
        return await self._count(FailedLogin.address == address, since)

    async def forget(self, login: str) -> None:
        """Forget those of a login, which its owner has opened now."""
        await self._session.execute(delete(FailedLogin).where(FailedLogin.login == login))

    async def _count(self, whose: ColumnElement[bool], since: datetime) -> tuple[int, datetime | None]:
        query = select(func.count(), func.max(FailedLogin.at)).where(whose, FailedLogin.at >= since)
        count, last = (await self._session.execute(query)).one()
        return count, last
