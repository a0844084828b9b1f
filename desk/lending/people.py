"""Give clients to managers, and dismiss managers."""

from __future__ import annotations

from desk.database.people import Manager, User
from desk.lending.errors import WrongMomentError, broken
from desk.repositories.clients import ClientFile
from desk.repositories.unit import Unit


async def manager_in_office(unit: Unit, manager_id: int | None) -> Manager:
    """Return a manager to whom clients can be given.

    Raises:
        BrokenRulesError: there is none of this id, or they were dismissed.
    """
    found = None if manager_id is None else await unit.managers.get(manager_id)
    if found is None or found[0].dismissed_at is not None:
        raise broken("manager_id", "no_such_manager", "There is no manager in office of this id")
    return found[0]


async def assign(unit: Unit, file: ClientFile, manager_id: int | None, version: int | None) -> None:
    """Give a client to a manager.

    Args:
        unit: of an administrator.
        file: the client.
        manager_id: who looks after the client from now on.
        version: of the client, as the administrator has read it.

    Raises:
        BrokenRulesError: there is no such manager in office.
        WrongMomentError: somebody else changed the client meanwhile.
    """
    client = file.client
    manager = await manager_in_office(unit, manager_id)
    if client.version != version:
        raise WrongMomentError(f"somebody else changed the client meanwhile; its version is {client.version}")
    before = client.manager_id
    await unit.clients.assign(client, manager)
    unit.audit_log.record("assign client", f"clients/{client.id}", client.id, before=before, after=manager.id)


async def dismiss(unit: Unit, manager: Manager, user: User) -> None:
    """End a manager's work: nobody can log in as this user, and the clients are nobody's. None of them is lost.

    Raises:
        WrongMomentError: it has ended already.
    """
    if manager.dismissed_at is not None:
        raise WrongMomentError("this manager has been dismissed already")
    detached = await unit.managers.dismiss(manager, user)
    unit.audit_log.record("dismiss manager", f"managers/{manager.id}", clients=detached)
