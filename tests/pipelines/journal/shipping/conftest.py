"""A PostgreSQL for all of these tests, a database for each."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from pipelines.journal.shipping.database import Database
from tests.postgres import empty_database, postgres_address


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """The address of a server."""
    with postgres_address() as address:
        yield address


@pytest.fixture
def empty(postgres: str) -> Iterator[str]:
    """The address of a database without tables."""
    with empty_database(postgres) as address:
        yield address


@pytest.fixture
def address(empty: str) -> str:
    """The address of a database with the journal's tables."""
    database = Database(empty)
    database.migrate()
    database.engine.dispose()
    return empty


@pytest.fixture
def database(address: str) -> Iterator[Database]:
    """A database with the journal's tables."""
    made = Database(address)
    yield made
    made.engine.dispose()
