"""Accounts and their passwords, as commands and administrators change them."""

from __future__ import annotations

import re
from dataclasses import dataclass

from desk.access import passwords
from desk.database.people import LOGIN, LONGEST_LOGIN, LONGEST_NAME, Client, Manager, Role, User
from desk.repositories.unit import Unit
from scoring.expected import ExpectedError


@dataclass(frozen=True, slots=True)
class Login:
    """A way into the desk. The password is nowhere else."""

    login: str
    password: str
    role: Role


@dataclass(frozen=True, slots=True)
class OpenedAccount:
    """A new user. The password is nowhere else."""

    user: User
    password: str
    manager_id: int | None
    client_id: int | None


async def replace_password(unit: Unit, login: str) -> Login:
    """Give a user a new password, and end the sessions that the old one began.

    Raises:
        ExpectedError: there is no such user, or the account is closed.
    """
    user = await unit.users.by_login(login)
    if user is None:
        raise ExpectedError(f"the desk has no user {login}")
    if user.closed_at is not None:
        raise ExpectedError(f"the account of {user.login} is closed")
    password = passwords.generate()
    user.password_hash = await passwords.hash_aside(password)
    ended = await unit.login_sessions.end_all(user.id)
    unit.audit_log.record("replace password", f"users/{user.id}", sessions_ended=ended)
    return Login(user.login, password, user.role)


async def add_administrator(unit: Unit, login: str, full_name: str) -> Login:
    """Add an administrator with a new password.

    Raises:
        ExpectedError: login or name break a rule, or the login is taken.
    """
    login, full_name = login.strip().lower(), " ".join(full_name.split())
    if not re.fullmatch(LOGIN, login) or len(login) > LONGEST_LOGIN:
        raise ExpectedError(f"login: letters, digits and . _ - @ between them are needed, at most {LONGEST_LOGIN}")
    if not full_name or len(full_name) > LONGEST_NAME or not full_name.isprintable():
        raise ExpectedError(f"name: 1 to {LONGEST_NAME} characters are needed")
    if await unit.users.by_login(login) is not None:
        raise ExpectedError(f"login: the desk has a user {login} already")
    opened = await add_user(unit, login, full_name, Role.ADMINISTRATOR)
    return Login(login, opened.password, opened.user.role)


async def add_user(unit: Unit, login: str, full_name: str, role: Role, manager_id: int | None = None) -> OpenedAccount:
    """Add a user with a new password, and what makes the user a manager or a client.

    Args:
        unit: of the desk itself or of an administrator.
        login: in lower case.
        full_name: as pages show it.
        role: of the user.
        manager_id: who looks after a client.

    Raises:
        ConflictError: the login is taken.
    """
    password = passwords.generate()
    user = User(login=login, full_name=full_name, role=role, password_hash=await passwords.hash_aside(password))
    await unit.users.add(user)
    client_id = None
    match role:
        case Role.MANAGER:
            manager = Manager(user_id=user.id)
            await unit.managers.add(manager)
            manager_id = manager.id
        case Role.CLIENT:
            client = Client(user_id=user.id, manager_id=manager_id)
            await unit.clients.add(client)
            client_id = client.id
    unit.audit_log.record("add user", f"users/{user.id}", client_id, role=role)
    return OpenedAccount(user, password, manager_id, client_id)
