"""Users, clients and managers: looked up by whoever may see them, changed by administrators."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Query, Response

from desk.access import accounts
from desk.api.application_models import ApplicationOut, application_out
from desk.api.models import (
    Assignment,
    ClientOut,
    ClientRowOut,
    CreditOut,
    Id,
    ManagerOut,
    NewUser,
    OpenedOut,
    PageOut,
    Search,
    UserOut,
    client_out,
    client_row_out,
    credit_out,
    manager_out,
    user_out,
)
from desk.database.people import Role
from desk.lending import people as lending
from desk.lending.errors import broken
from desk.repositories.clients import Order
from desk.repositories.paging import LARGEST_PAGE, Page
from desk.repositories.unit import unit_of_work
from desk.web.look_up import find_client, find_manager, see_client
from desk.web.problems import not_found
from desk.web.visitors import AdministratorOnly, Anyone, DeskDatabase, Staff

router = APIRouter(tags=["people"])
LARGEST_PAGE_NUMBER = 1_000_000
PageNumber = Annotated[int, Query(alias="page", ge=1, le=LARGEST_PAGE_NUMBER)]
PageSize = Annotated[int, Query(alias="size", ge=1, le=LARGEST_PAGE)]


@router.get("/users")
async def users(
    database: DeskDatabase,
    visitor: AdministratorOnly,
    role: Role | None = None,
    search: Search = "",
    number: PageNumber = 1,
    size: PageSize = 50,
) -> PageOut[UserOut]:
    """List users by login."""
    async with unit_of_work(database, visitor.viewer) as unit:
        page = await unit.users.page(Page(number, size), role, search)
        unit.audit_log.record("list users", "users", page=number, rows=len(page.rows))
    return PageOut(rows=[user_out(user) for user in page.rows], total=page.total, page=number, size=size)


@router.post("/users", status_code=HTTPStatus.CREATED)
async def add_user(body: NewUser, response: Response, database: DeskDatabase, visitor: AdministratorOnly) -> OpenedOut:
    """Add a user with a generated password, which is in this answer and nowhere else."""
    async with unit_of_work(database, visitor.viewer) as unit:
        if body.manager_id is not None:
            if body.role != Role.CLIENT:
                raise broken("manager_id", "only_for_clients", "Only a client has a manager")
            await lending.manager_in_office(unit, body.manager_id)
        if await unit.users.by_login(body.login) is not None:
            raise broken("login", "taken", "Another user has this login")
        opened = await accounts.add_user(unit, body.login, body.full_name, body.role, body.manager_id)
    response.headers["Location"] = f"/users/{opened.user.id}"
    return OpenedOut(
        **dict(user_out(opened.user)),
        password=opened.password,
        client_id=opened.client_id,
        manager_id=opened.manager_id,
    )


@router.get("/users/{user_id}")
async def user(user_id: Id, database: DeskDatabase, visitor: Anyone) -> UserOut:
    """Return a user: oneself, one's manager, one's clients."""
    async with unit_of_work(database, visitor.viewer) as unit:
        found = await unit.users.get(user_id)
        if found is None:
            raise not_found()
        if user_id != visitor.viewer.user_id:
            unit.audit_log.record("see user", f"users/{user_id}")
        return user_out(found)


@router.get("/clients/{client_id}")
async def client(client_id: Id, database: DeskDatabase, visitor: Anyone) -> ClientOut:
    """Return a client."""
    async with unit_of_work(database, visitor.viewer) as unit:
        found = await see_client(unit, client_id)
        return client_out(found.client, found.user)


@router.get("/clients/{client_id}/credit")
async def credit(client_id: Id, database: DeskDatabase, visitor: Anyone) -> CreditOut:
    """Return a client's credit with its payments."""
    async with unit_of_work(database, visitor.viewer) as unit:
        found = await see_client(unit, client_id)
        if found.credit is None:
            raise not_found()
        return credit_out(found.credit)


@router.get("/clients/{client_id}/applications")
async def applications(client_id: Id, database: DeskDatabase, visitor: Anyone) -> list[ApplicationOut]:
    """Return a client's applications with their scores, the newest first."""
    async with unit_of_work(database, visitor.viewer) as unit:
        await see_client(unit, client_id)
        found = await unit.applications.of_client(client_id)
        return [application_out(one, await unit.applications.scores(one.id), unit.viewer) for one in found]


@router.put("/clients/{client_id}/manager")
async def assign(client_id: Id, body: Assignment, database: DeskDatabase, visitor: AdministratorOnly) -> ClientOut:
    """Give a client to a manager."""
    async with unit_of_work(database, visitor.viewer) as unit:
        found = await find_client(unit, client_id)
        await lending.assign(unit, found, body.manager_id, body.version)
        return client_out(found.client, found.user)


@router.get("/managers")
async def managers(database: DeskDatabase, visitor: AdministratorOnly) -> list[ManagerOut]:
    """List the managers in office by login."""
    async with unit_of_work(database, visitor.viewer) as unit:
        return [manager_out(found, user) for found, user, _ in await unit.managers.in_office()]


@router.get("/managers/{manager_id}")
async def manager(manager_id: Id, database: DeskDatabase, visitor: Anyone) -> ManagerOut:
    """Return a manager: oneself, or one's own."""
    async with unit_of_work(database, visitor.viewer) as unit:
        return manager_out(*await find_manager(unit, manager_id))


@router.get("/managers/{manager_id}/clients")
async def clients_of_manager(
    manager_id: Id,
    database: DeskDatabase,
    visitor: Staff,
    search: Search = "",
    order: Order = "name",
    descending: bool = False,
    number: PageNumber = 1,
    size: PageSize = 50,
) -> PageOut[ClientRowOut]:
    """List a manager's clients."""
    async with unit_of_work(database, visitor.viewer) as unit:
        await find_manager(unit, manager_id)
        page = await unit.clients.page(Page(number, size), manager_id, search, order=order, descending=descending)
        unit.audit_log.record("list clients", f"managers/{manager_id}", page=number, rows=len(page.rows))
    return PageOut(rows=[client_row_out(*row) for row in page.rows], total=page.total, page=number, size=size)


@router.get("/clients")
async def clients(
    database: DeskDatabase,
    visitor: Staff,
    search: Search = "",
    unassigned: bool = False,
    order: Order = "name",
    descending: bool = False,
    number: PageNumber = 1,
    size: PageSize = 50,
) -> PageOut[ClientRowOut]:
    """List the clients that one may see; `unassigned` only those that are nobody's."""
    async with unit_of_work(database, visitor.viewer) as unit:
        page = await unit.clients.page(
            Page(number, size), search=search, unassigned=unassigned, order=order, descending=descending
        )
        unit.audit_log.record("list clients", "clients", page=number, rows=len(page.rows))
    return PageOut(rows=[client_row_out(*row) for row in page.rows], total=page.total, page=number, size=size)


@router.post("/managers/{manager_id}/dismissal")
async def dismiss(manager_id: Id, database: DeskDatabase, visitor: AdministratorOnly) -> ManagerOut:
    """End a manager's work: the sessions end, the clients are nobody's until they are assigned. None is lost."""
    async with unit_of_work(database, visitor.viewer) as unit:
        manager, user = await find_manager(unit, manager_id)
        await lending.dismiss(unit, manager, user)
        return manager_out(manager, user)
