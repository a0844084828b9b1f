"""An administrator's pages: managers with their clients, clients that are nobody's, and the audit log."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Request, Response

from desk.access.sign_in import Visitor
from desk.api.models import Id, Search
from desk.api.people import PageNumber
from desk.database.people import Role
from desk.lending import people as lending
from desk.pages.forms import PageForm
from desk.pages.render import render, see_other
from desk.pages.roles import LookingAs, SendingAs
from desk.repositories.paging import Page
from desk.repositories.unit import unit_of_work
from desk.web.look_up import find_client, find_manager
from desk.web.visitors import DeskDatabase

router = APIRouter(prefix="/office", include_in_schema=False)
ROWS = 50
Looking = Annotated[Visitor, Depends(LookingAs(Role.ADMINISTRATOR))]
Sending = Annotated[PageForm, Depends(SendingAs(Role.ADMINISTRATOR))]


@router.get("")
async def managers(request: Request, database: DeskDatabase, visitor: Looking) -> Response:
    """Show the managers in office, how many clients each has, and how many are nobody's."""
    async with unit_of_work(database, visitor.viewer) as unit:
        rows = await unit.managers.in_office()
        free = (await unit.clients.page(Page(1, 1), unassigned=True)).total
        overrides = await unit.applications.overrides()
    return render(request, "office/managers.html", visitor, rows=rows, free=free, overrides=overrides)


@router.post("/managers/{manager_id}/dismissal")
async def dismiss(manager_id: Id, database: DeskDatabase, sent: Sending) -> Response:
    """Dismiss a manager; the clients are nobody's then."""
    async with unit_of_work(database, sent.visitor.viewer) as unit:
        await lending.dismiss(unit, *await find_manager(unit, manager_id))
    return see_other("/office/clients?unassigned=true")


@router.get("/clients")
async def clients(
    request: Request,
    database: DeskDatabase,
    visitor: Looking,
    search: Search = "",
    unassigned: bool = False,
    number: PageNumber = 1,
) -> Response:
    """Show clients by name, each with its manager, who can be changed."""
    async with unit_of_work(database, visitor.viewer) as unit:
        page = await unit.clients.page(Page(number, ROWS), search=search, unassigned=unassigned)
        managers = await unit.managers.in_office()
        unit.audit_log.record("list clients", "clients", page=number, rows=len(page.rows))
    asked = {"search": search, "unassigned": "true" if unassigned else ""}
    return render(
        request, "office/clients.html", visitor, page=page, number=number, pages=-(-page.total // ROWS), asked=asked,
        managers=managers, query=urlencode({name: value for name, value in asked.items() if value}),
    )  # fmt: skip


@router.post("/clients/{client_id}/manager")
async def assign(client_id: Id, database: DeskDatabase, sent: Sending) -> Response:
    """Give a client to a manager."""
    async with unit_of_work(database, sent.visitor.viewer) as unit:
        found = await find_client(unit, client_id)
        await lending.assign(unit, found, sent.number("manager_id"), sent.number("version"))
    return see_other("/office/clients?" + sent.text("query")[:500])


@router.get("/audit-log")
async def audit_log(
    request: Request,
    database: DeskDatabase,
    visitor: Looking,
    login: Search = "",
    action: Search = "",
    number: PageNumber = 1,
) -> Response:
    """Show who saw and changed what, the newest first."""
    async with unit_of_work(database, visitor.viewer) as unit:
        page = await unit.audit_log.page(Page(number, ROWS), login, action)
    asked = {"login": login, "action": action}
    return render(
        request, "office/audit_log.html", visitor, page=page, number=number, pages=-(-page.total // ROWS), asked=asked,
        query=urlencode({name: value for name, value in asked.items() if value}),
    )  # fmt: skip
