"""Look up managers and dismiss them."""

from __future__ import annotations

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from desk.database.base import utc_now
from desk.database.people import Client, Manager, User


class Managers:
    """The managers that a session's viewer may see."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def get(self, manager_id: int) -> tuple[Manager, User] | None:
        """Return a manager with its user; None if the viewer may not see one of that number."""
        query = select(Manager, User).join(User, User.id == Manager.user_id).where(Manager.id == manager_id)
        row = (await self._session.execute(query)).one_or_none()
        return None if row is None else (row[0], row[1])

    async def in_office(self) -> list[tuple[Manager, User, int]]:
        """Return the managers who are not dismissed, each with its user and how many clients it has, by login."""
        clients = select(func.count(Client.id)).where(Client.manager_id == Manager.id).scalar_subquery()
        query = (
            select(Manager, User, clients)
            .join(User, User.id == Manager.user_id)
            .where(Manager.dismissed_at.is_(None))
            .order_by(User.login)
        )
        return [(row[0], row[1], row[2]) for row in await self._session.execute(query)]

    async def add(self, *managers: Manager) -> None:
        """Add managers; they have their numbers afterwards."""
        self._session.add_all(managers)
        await self._session.flush()

    async def dismiss(self, manager: Manager, user: User) -> int:
        """End a manager's work: nobody can log in as this user, and the clients are nobody's. None of them is lost.

        Returns:
            How many clients were detached.
        """
        manager.dismissed_at = user.closed_at = utc_now()
        detached = await self._session.scalars(
            update(Client)
            .where(Client.manager_id == manager.id)
            .values(manager_id=None, version=Client.version + 1)
            .returning(Client.id)
        )
        await self._session.flush()
        return len(detached.all())
