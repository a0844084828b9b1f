"""Look up whom or what a path names, in the name of who asks: 404 for what is somebody else's or not there."""

from __future__ import annotations

from desk.database.people import Manager, User
from desk.database.work import Application
from desk.repositories.clients import ClientFile
from desk.repositories.unit import Unit
from desk.web.problems import not_found


async def find_client(unit: Unit, client_id: int | None) -> ClientFile:
    """Return a client."""
    found = None if client_id is None else await unit.clients.get(client_id)
    if found is None:
        raise not_found()
    return found


async def see_client(unit: Unit, client_id: int) -> ClientFile:
    """Return a client, and note who saw it."""
    found = await find_client(unit, client_id)
    if unit.viewer is not None and unit.viewer.client_id != client_id:
        unit.audit_log.record("see client", f"clients/{client_id}", client_id)
    return found


async def find_application(unit: Unit, application_id: int) -> Application:
    """Return an application."""
    found = await unit.applications.get(application_id)
    if found is None:
        raise not_found()
    return found


async def see_application(unit: Unit, application_id: int) -> Application:
    """Return an application, and note who saw it."""
    found = await find_application(unit, application_id)
    if unit.viewer is not None and unit.viewer.client_id != found.client_id:
        unit.audit_log.record("see application", f"applications/{application_id}", found.client_id)
    return found


async def find_manager(unit: Unit, manager_id: int | None) -> tuple[Manager, User]:
    """Return a manager and its user."""
    found = None if manager_id is None else await unit.managers.get(manager_id)
    if found is None:
        raise not_found()
    return found
