"""Look up and change users."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from desk.database.people import Client, Manager, Role, User
from desk.database.scope import Viewer
from desk.repositories.paging import Page, Paged, contains, read_page


class Users:
    """The users that a session's viewer may see."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def get(self, user_id: int) -> User | None:
        """Return a user; None if the viewer may not see one of that number."""
        return (await self._session.scalars(select(User).where(User.id == user_id))).one_or_none()

    async def by_login(self, login: str) -> User | None:
        """Return the user of a login, however its letters are written."""
        return (await self._session.scalars(select(User).where(User.login == login.lower()))).one_or_none()

    async def known_logins(self, logins: Sequence[str]) -> set[str]:
        """Return those of these logins that are taken."""
        taken: set[str] = set()
        # SQLite takes 32,766 values in a statement, older ones 999.
        for start in range(0, len(logins), 500):
            some = logins[start : start + 500]
            taken.update(await self._session.scalars(select(User.login).where(User.login.in_(some))))
        return taken

    async def page(self, page: Page, role: Role | None = None, search: str = "") -> Paged[User]:
        """Return a page of users by login; of one role, and with a text in login or name, if asked."""
        query = select(User).order_by(User.login)
        if role is not None:
            query = query.where(User.role == role)
        if search:
            pattern = contains(search)
            query = query.where(User.login.ilike(pattern, escape="/") | User.full_name.ilike(pattern, escape="/"))
        return await read_page(self._session, query, page)

    async def viewer_of(self, user: User) -> Viewer:
        """Return a user as one who asks, with what makes the user a client or a manager."""
        manager_id = client_id = None
        match user.role:
            case Role.MANAGER:
                manager_id = await self._session.scalar(select(Manager.id).where(Manager.user_id == user.id))
            case Role.CLIENT:
                client_id = await self._session.scalar(select(Client.id).where(Client.user_id == user.id))
        return Viewer(user.id, user.login, user.role, manager_id, client_id)

    async def add(self, *users: User) -> None:
        """Add users; they have their numbers afterwards."""
        self._session.add_all(users)
        await self._session.flush()
