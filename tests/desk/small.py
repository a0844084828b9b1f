"""A desk of a few people, for tests of what they do."""

from __future__ import annotations

import asyncio
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from desk.access import accounts, passwords
from desk.database.connection import Database
from desk.database.people import Role
from desk.database.revisions import Revisions
from desk.database.scope import DESK
from desk.repositories.unit import unit_of_work
from tests.desk.conftest import PASSWORD
from tests.shared import made_once


async def make_small_desk(address: str) -> None:
    """Two managers, three clients, of whom the first two are manager 1's, and an administrator."""
    database = Database(address)
    await Revisions(database).migrate()
    hashed = passwords.hash_password(PASSWORD)
    async with unit_of_work(database, DESK) as unit:
        for login, role, manager_id in (
            ("manager-01", Role.MANAGER, None),
            ("manager-02", Role.MANAGER, None),
            ("client-0001", Role.CLIENT, 1),
            ("client-0002", Role.CLIENT, 1),
            ("client-0003", Role.CLIENT, 2),
            ("administrator-1", Role.ADMINISTRATOR, None),
        ):
            opened = await accounts.add_user(unit, login, f"The {login}", role, manager_id)
            opened.user.password_hash = hashed
    await database.close()


def sqlite_address(folder: Path) -> str:
    """The address of a desk in a file of the folder."""
    return f"sqlite:///{folder}/desk.sqlite"


def small_desk(factory: pytest.TempPathFactory, folder: Path) -> str:
    """The address of a small desk in a file of the folder; a copy of the one that is made once."""

    def make(made: Path) -> None:
        # Playwright runs a loop of its own in the tests' thread.
        with ThreadPoolExecutor(1) as other:
            other.submit(asyncio.run, make_small_desk(sqlite_address(made))).result()

    made = made_once(factory, "small-desk", make)
    shutil.copyfile(made / "desk.sqlite", folder / "desk.sqlite")
    return sqlite_address(folder)
