"""Everything that a start page shows, in one answer."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Response

from desk.api.application_models import (
    ClientDashboardOut,
    ExportOut,
    ManagerDashboardOut,
    application_out,
    queue_row_out,
)
from desk.api.applications import file_of
from desk.api.models import (
    AuditEntryOut,
    HealthOut,
    Id,
    LoginName,
    Moment,
    PageOut,
    client_out,
    credit_out,
    manager_out,
)
from desk.api.people import PageNumber, PageSize
from desk.database.work import Status
from desk.repositories.paging import Page
from desk.repositories.unit import Unit, unit_of_work
from desk.web.look_up import find_client, find_manager
from desk.web.visitors import AdministratorOnly, ClientOnly, DeskDatabase, ManagerOnly

router = APIRouter(tags=["dashboards"])
OLDEST = Page(1, 20)


@router.get("/dashboard/client")
async def client_dashboard(database: DeskDatabase, visitor: ClientOnly) -> ClientDashboardOut:
    """Return one's own profile, manager, credit, and applications with their scores."""
    async with unit_of_work(database, visitor.viewer) as unit:
        return await _client_dashboard(unit, visitor.viewer.client_id)


@router.get("/dashboard/client/export")
async def export(database: DeskDatabase, visitor: ClientOnly, response: Response) -> ExportOut:
    """Return one's own data as a file to take away: the same, and what was decided and asked for."""
    response.headers["Content-Disposition"] = 'attachment; filename="my-data.json"'
    client_id = visitor.viewer.client_id
    async with unit_of_work(database, visitor.viewer) as unit:
        unit.audit_log.record("export data", f"clients/{client_id}", client_id)
        files = [await file_of(unit, one) for one in await unit.applications.of_client(client_id or 0)]
        return ExportOut(dashboard=await _client_dashboard(unit, client_id), applications=files)


@router.get("/dashboard/manager")
async def manager_dashboard(database: DeskDatabase, visitor: ManagerOnly) -> ManagerDashboardOut:
    """Return one's own clients and applications in numbers, and those that have waited longest."""
    async with unit_of_work(database, visitor.viewer) as unit:
        found = await find_manager(unit, visitor.viewer.manager_id)
        waiting = await unit.applications.queue(OLDEST, statuses=(Status.SUBMITTED, Status.SCORING))
        return ManagerDashboardOut(
            manager=manager_out(*found),
            clients=await unit.clients.count(),
            applications=await unit.applications.count_by_status(),
            bands=await unit.applications.count_by_band(),
            queue=[queue_row_out(*row) for row in waiting.rows],
        )


@router.get("/audit-log")
async def audit_log(
    database: DeskDatabase,
    visitor: AdministratorOnly,
    login: Annotated[LoginName | None, Query()] = None,
    action: Annotated[LoginName | None, Query()] = None,
    client_id: Id | None = None,
    since: Moment | None = None,
    until: Moment | None = None,
    number: PageNumber = 1,
    size: PageSize = 50,
) -> PageOut[AuditEntryOut]:
    """List who saw and changed what, the newest first."""
    async with unit_of_work(database, visitor.viewer) as unit:
        page = await unit.audit_log.page(Page(number, size), login or "", action or "", client_id, since, until)
    rows = [AuditEntryOut.model_validate({name: getattr(row, name) for name in _AUDIT}) for row in page.rows]
    return PageOut(rows=rows, total=page.total, page=number, size=size)


@router.get("/health")
async def health(database: DeskDatabase) -> HealthOut:
    """Return whether the desk serves; 503 while its database does not."""
    await database.ping()
    return HealthOut(status="healthy", database="serves")


_AUDIT: tuple[str, ...] = tuple(AuditEntryOut.model_fields)


async def _client_dashboard(unit: Unit, client_id: int | None) -> ClientDashboardOut:
    found = await find_client(unit, client_id)
    client = found.client
    manager = None if client.manager_id is None else await unit.managers.get(client.manager_id)
    applications = await unit.applications.of_client(client.id)
    return ClientDashboardOut(
        client=client_out(client, found.user),
        manager=None if manager is None else manager_out(*manager),
        credit=None if found.credit is None else credit_out(found.credit),
        applications=[
            application_out(one, await unit.applications.scores(one.id), unit.viewer) for one in applications
        ],
    )
