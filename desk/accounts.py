"""Accounts and their passwords, as commands and administrators change them."""

from __future__ import annotations

import re
from dataclasses import dataclass

from desk import passwords
from desk.database.people import LONGEST_LOGIN, LONGEST_NAME, Role, User
from desk.repositories.unit import Unit
from scoring.expected import ExpectedError

LOGIN = re.compile(r"[a-z0-9](?:[a-z0-9._@-]*[a-z0-9])?")


@dataclass(frozen=True, slots=True)
class Login:
    """A way into the desk. The password is nowhere else."""

    login: str
    password: str
    role: Role


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
    user.password_hash = passwords.hash_password(password)
    ended = await unit.login_sessions.end_all(user.id)
    unit.audit_log.record("replace password", f"users/{user.id}", sessions_ended=ended)
    return Login(user.login, password, user.role)


async def add_administrator(unit: Unit, login: str, full_name: str) -> Login:
    """Add an administrator with a new password.

    Raises:
        ExpectedError: login or name break a rule, or the login is taken.
    """
    login, full_name = login.strip().lower(), " ".join(full_name.split())
    if not LOGIN.fullmatch(login) or len(login) > LONGEST_LOGIN:
        raise ExpectedError(f"login: letters, digits and . _ - @ between them are needed, at most {LONGEST_LOGIN}")
    if not full_name or len(full_name) > LONGEST_NAME:
        raise ExpectedError(f"name: 1 to {LONGEST_NAME} characters are needed")
    if await unit.users.by_login(login) is not None:
        raise ExpectedError(f"login: the desk has a user {login} already")
    password = passwords.generate()
    user = User(
        login=login,
        full_name=full_name,
        role=Role.ADMINISTRATOR,
        password_hash=passwords.hash_password(password),
    )
    await unit.users.add(user)
    unit.audit_log.record("add user", f"users/{user.id}", role=Role.ADMINISTRATOR)
    return Login(login, password, user.role)
