"""Fill a desk with made-up people, their credits and applications."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

from desk.access import passwords
from desk.access.accounts import Login
from desk.database.people import Client, Manager, Role, User
from desk.database.work import Application
from desk.repositories.applications import submit
from desk.repositories.unit import Unit
from desk.seed.credits import History, made_up_credits
from desk.seed.names import made_up_names
from scoring.application import FieldRule
from scoring.expected import ExpectedError
from scoring.scorecards.card_approval import EMPLOYMENT_BINS, SCORECARD

CLIENTS = 1_510
"""As many as the rows of the data set that such a desk was first built for (df_to_keep.csv)."""
MANAGERS = 30
ADMINISTRATORS = 2
SEED = 20_261_201
LONGEST_WAIT = timedelta(days=60)
"""How long ago the oldest application was sent."""
_AT_ONCE = 151
"""Clients between two steps of the progress bar."""

Advance = Callable[[str, int], None]


async def seed(
    unit: Unit, histories: Callable[[np.random.Generator], list[History]], at: datetime, advance: Advance
) -> list[Login]:
    """Fill the desk; a desk that has these people is left as it is.

    Args:
        unit: of the desk itself, whose transaction keeps all or nothing.
        histories: returns a history of payments for each client; is called once, before anything is written.
        at: the present moment.
        advance: is told what was done, and for how many people.

    Returns:
        A login of each role. Nobody else has a password until `scorebox desk password` makes one. None of them if
        the people were there already.

    Raises:
        ExpectedError: some of the logins belong to others.
    """
    logins = {
        Role.ADMINISTRATOR: [f"administrator-{number}" for number in range(1, ADMINISTRATORS + 1)],
        Role.MANAGER: [f"manager-{number:02}" for number in range(1, MANAGERS + 1)],
        Role.CLIENT: [f"client-{number:04}" for number in range(1, CLIENTS + 1)],
    }
    wanted = [login for names in logins.values() for login in names]
    taken = await unit.users.known_logins(wanted)
    if len(taken) == len(wanted):
        return []
    if taken:
        raise ExpectedError(f"the desk has a user {min(taken)} who is none of the made-up people: nothing was added")
    generator = np.random.default_rng(SEED)
    payments = histories(generator)
    opened = [Login(names[0], passwords.generate(), role) for role, names in logins.items()]
    hashes = {login.login: passwords.hash_password(login.password) for login in opened}
    users = {role: _users(generator, role, names, hashes) for role, names in logins.items()}
    for role in (Role.ADMINISTRATOR, Role.MANAGER):
        await unit.users.add(*users[role])
        advance(f"{role}s", len(users[role]))
    managers = [Manager(user_id=user.id) for user in users[Role.MANAGER]]
    await unit.managers.add(*managers)
    fields = SCORECARD.sample(generator, CLIENTS)
    for start in range(0, CLIENTS, _AT_ONCE):
        some = slice(start, start + _AT_ONCE)
        people = users[Role.CLIENT][some]
        await unit.users.add(*people)
        clients = [
            Client(
                user_id=user.id,
                manager_id=managers[number % MANAGERS].id,
                days_employed_bin=employment_bin(int(days)),
            )
            for number, (user, days) in enumerate(zip(people, fields["DAYS_EMPLOYED"][some], strict=True), start)
        ]
        await unit.clients.add(*clients)
        client_ids = [client.id for client in clients]
        await unit.clients.add_credits(*made_up_credits(generator, client_ids, payments[some]))
        waits = generator.uniform(0, LONGEST_WAIT.total_seconds(), len(clients)).round()
        applications = []
        for row, (client_id, wait) in enumerate(zip(client_ids, waits.tolist(), strict=True), start):
            sent = at - timedelta(seconds=wait)
            application = Application(client_id=client_id, scorecard=SCORECARD.name, created_at=sent)
            submit(application, _application(fields, row), sent)
            applications.append(application)
        await unit.applications.add(*applications)
        advance("clients", len(people))
    unit.audit_log.record("seed desk", "users", clients=CLIENTS, managers=MANAGERS)
    return opened


def employment_bin(days_employed: int) -> int:
    """Return the published bin of DAYS_EMPLOYED: 0 not employed, 1 up to a year, to 6, above 40 years."""
    if days_employed > 0:
        return 0
    return int(np.searchsorted(EMPLOYMENT_BINS, -days_employed)) + 1


def _users(generator: np.random.Generator, role: Role, logins: list[str], hashes: dict[str, str]) -> list[User]:
    names = made_up_names(generator, len(logins))
    return [
        User(login=login, full_name=name, role=role, is_made_up=True, password_hash=hashes.get(login))
        for login, name in zip(logins, names, strict=True)
    ]


def _application(fields: dict[str, NDArray[Any]], row: int) -> dict[str, Any]:
    """Return one row as an application has it, without what is missing."""
    values = ((rule, fields[rule.column][row]) for rule in SCORECARD.rules)
    return {rule.column: _plain(rule, value) for rule, value in values if value is not None}


def _plain(rule: FieldRule, value: Any) -> str | int | float:
    match rule.kind:
        case "text":
            return str(value)
        case "integer":
            return int(value)
        case "number":
            return float(value)
