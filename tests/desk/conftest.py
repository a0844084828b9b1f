"""Both databases of the desk, empty and full of made-up people."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Protocol

import psycopg
import pytest
from psycopg import sql
from sqlalchemy import make_url

from desk.access import passwords
from desk.database.base import utc_now
from desk.database.connection import Database
from desk.database.revisions import Revisions
from desk.database.scope import DESK
from desk.repositories.unit import unit_of_work
from desk.seed import people
from desk.seed.credits import made_up_histories
from tests.desk.hashing import hash_quickly
from tests.desk.served import ServedDesk, serving
from tests.postgres import empty_database, named, postgres_address


class Databases(Protocol):
    """Makes databases of one kind."""

    def empty(self) -> str:
        """The address of a new one without tables."""

    def copy_of(self, address: str) -> str:
        """The address of a copy of one that nobody is connected to."""


class SqliteFiles:
    """Databases in files of a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._made = 0

    def empty(self) -> str:
        self._made += 1
        return f"sqlite:///{self._folder / str(self._made)}.sqlite"

    def copy_of(self, address: str) -> str:
        copy = self.empty()
        shutil.copyfile(address.removeprefix("sqlite:///"), copy.removeprefix("sqlite:///"))
        return copy


class PostgresDatabases:
    """Databases of a real server, which go with the stack."""

    def __init__(self, server: str, stack: ExitStack) -> None:
        self._server = server
        self._stack = stack

    def empty(self) -> str:
        return self._stack.enter_context(empty_database(self._server))

    def copy_of(self, address: str) -> str:
        copy, template = (make_url(place).database for place in (self.empty(), address))
        assert copy
        assert template
        with psycopg.connect(self._server, autocommit=True) as connection:
            connection.execute(sql.SQL("DROP DATABASE {}").format(sql.Identifier(copy)))
            connection.execute(
                sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(copy), sql.Identifier(template))
            )
        return named(self._server, copy)


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session", params=["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)])
def databases(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Databases]:
    with ExitStack() as stack:
        if request.param == "sqlite":
            yield SqliteFiles(tmp_path_factory.mktemp("desk"))
        else:
            yield PostgresDatabases(stack.enter_context(postgres_address()), stack)


hash_quickly()
PASSWORD = "the tests' own password"
PEOPLE = ("client-0001", "client-0002", "manager-01", "manager-02", "administrator-1", "administrator-2")
"""Those who log in, all by the same password. Client 1 is of manager 1, client 2 of manager 2."""


async def fill(address: str) -> None:
    database = Database(address)
    await Revisions(database).migrate()
    async with unit_of_work(database, DESK) as unit:
        await people.seed(
            unit, lambda generator: made_up_histories(generator, people.CLIENTS), utc_now(), lambda name, done: None
        )
        hashed = passwords.hash_password(PASSWORD)
        for login in PEOPLE:
            user = await unit.users.by_login(login)
            assert user is not None
            user.password_hash = hashed
    await database.close()


@pytest.fixture(scope="session")
def made_up(databases: Databases) -> str:
    """The address of a desk full of made-up people, to be copied and left as it is."""
    address = databases.empty()
    asyncio.run(fill(address))
    return address


@pytest.fixture
async def empty(databases: Databases) -> AsyncIterator[Database]:
    """A database without tables."""
    database = Database(databases.empty())
    yield database
    await database.close()


@pytest.fixture
async def database(address: str) -> AsyncIterator[Database]:
    """A desk full of made-up people, each test's own."""
    database = Database(address)
    yield database
    await database.close()


@pytest.fixture
def address(databases: Databases, made_up: str) -> str:
    """The address of a desk full of made-up people, each test's own."""
    return databases.copy_of(made_up)


@pytest.fixture(scope="session")
def read_desk(databases: Databases, made_up: str) -> Iterator[ServedDesk]:
    """A desk that serves, full of made-up people, for tests that change nothing of them."""
    with serving(databases.copy_of(made_up)) as desk:
        yield desk


@pytest.fixture
def desk(address: str) -> Iterator[ServedDesk]:
    """A desk that serves, full of made-up people."""
    with serving(address) as desk:
        yield desk
