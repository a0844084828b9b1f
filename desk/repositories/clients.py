"""Look up clients and who looks after them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import defer

from desk.database.people import Client, Credit, Manager, User
from desk.repositories.paging import Page, Paged, contains, read_page

Order = Literal["name", "amount", "login"]


@dataclass(frozen=True, slots=True)
class ClientFile:
    """A client as a person sees it: with the user, and the credit if there is one."""

    client: Client
    user: User
    credit: Credit | None


class Clients:
    """The clients that a session's viewer may see."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def get(self, client_id: int) -> ClientFile | None:
        """Return a client; None if the viewer may not see one of that number."""
        query = (
            select(Client, User, Credit)
            .join(User, User.id == Client.user_id)
            .outerjoin(Credit, Credit.client_id == Client.id)
            .where(Client.id == client_id)
        )
        row = (await self._session.execute(query)).one_or_none()
        return None if row is None else ClientFile(*row)

    async def page(
        self,
        page: Page,
        manager_id: int | None = None,
        search: str = "",
        unassigned: bool = False,
        order: Order = "name",
        descending: bool = False,
    ) -> Paged[tuple[Client, User, Credit | None]]:
        """Return a page of clients.

        Args:
            page: which one.
            manager_id: only this manager's.
            search: only those with this text in login or name.
            unassigned: only those that are nobody's.
            order: by name, by amount of the credit, or by login.
            descending: the other way round.
        """
        query = (
            select(Client, User, Credit)
            .join(User, User.id == Client.user_id)
            .outerjoin(Credit, Credit.client_id == Client.id)
            .options(defer(Credit.payment_history, raiseload=True))
        )
        by = {"name": User.full_name, "amount": Credit.amount_total, "login": User.login}[order]
        query = query.order_by(by.desc().nulls_last() if descending else by.asc().nulls_last(), Client.id)
        if manager_id is not None:
            query = query.where(Client.manager_id == manager_id)
        if unassigned:
            query = query.where(Client.manager_id.is_(None))
        if search:
            pattern = contains(search)
            query = query.where(User.login.ilike(pattern, escape="/") | User.full_name.ilike(pattern, escape="/"))
        return await read_page(self._session, query, page)

    async def count(self) -> int:
        """Return how many there are."""
        return await self._session.scalar(select(func.count(Client.id))) or 0

    async def assign(self, client: Client, manager: Manager) -> None:
        """Give a client to a manager.

        Raises:
            StaleDataError: somebody else changed the client meanwhile.
        """
        client.manager_id = manager.id
        await self._session.flush()

    async def add(self, *clients: Client) -> None:
        """Add clients; they have their numbers afterwards."""
        self._session.add_all(clients)
        await self._session.flush()

    async def add_credits(self, *added: Credit) -> None:
        """Add the credits of clients."""
        self._session.add_all(added)
        await self._session.flush()
