"""The desk's database: SQLite on one machine, PostgreSQL in production, behind one setting."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext
from pathlib import Path
from typing import Any

import orjson
from sqlalchemy import URL, event, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, IntegrityError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as NoConnectionError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm.exc import StaleDataError

from desk.database.scope import ScopedSession, Viewer
from scoring.expected import ExpectedError

SQLITE_WAIT_MILLISECONDS = 10_000
"""How long one writer waits until another one has committed."""
CONNECTIONS = 10
"""Connections of one process; who needs one more waits."""
_READING = "scorebox_desk_reading"
_DRIVERS = {"sqlite": "sqlite+aiosqlite", "postgresql": "postgresql+psycopg", "postgres": "postgresql+psycopg"}
# libpq waits for ever by default, and for two hours on a machine that is gone. An address that names its own wins.
_WAITS = {
    "connect_timeout": "10",
    "tcp_user_timeout": "30000",
    "keepalives_idle": "30",
    "keepalives_interval": "10",
    "keepalives_count": "3",
}


class DatabaseAwayError(ExpectedError):
    """The database cannot be reached or does not serve; it may be back in a moment."""


class ConflictError(ExpectedError):
    """Somebody else changed or wrote the same meanwhile; nothing of this transaction was kept."""


class Database:
    """The desk's database.

    Args:
        address: `sqlite:///file` or `postgresql://user:password@host/name`.

    Raises:
        ExpectedError: it is no such address.
    """

    def __init__(self, address: str) -> None:
        url = read_address(address)
        self.is_sqlite = url.get_backend_name() == "sqlite"
        self.file = Path(url.database) if self.is_sqlite and url.database else None
        """The file of SQLite."""
        self.name = _shown(url)
        """Where it is, to be shown: neither user nor password."""
        self.engine: AsyncEngine = create_async_engine(
            url if self.is_sqlite else url.set(query={**_WAITS, **url.query}),
            # What is refused may be somebody's application.
            hide_parameters=True,
            pool_pre_ping=not self.is_sqlite,
            # None is opened for a moment only: one that is new parses the schema and prepares its statements again.
            pool_size=CONNECTIONS,
            max_overflow=0,
            json_serializer=lambda value: orjson.dumps(value).decode(),
            json_deserializer=orjson.loads,
        )
        if self.is_sqlite:
            event.listen(self.engine.sync_engine, "connect", _prepare_sqlite)
            event.listen(self.engine.sync_engine, "begin", _begin_sqlite)
        # SQLite has one writer at a time. Those of this process take turns, in order; others wait by asking again.
        self._turn = asyncio.Lock()
        self._sessions = async_sessionmaker(
            self.engine, class_=AsyncSession, sync_session_class=ScopedSession, expire_on_commit=False
        )

    @asynccontextmanager
    async def session(self, viewer: Viewer | None, *, reading: bool = False) -> AsyncIterator[AsyncSession]:
        """Run a block in a transaction that is committed at its end.

        Args:
            viewer: who asks, to whose rows every statement is limited; `scope.DESK` for the desk itself.
            reading: the block writes nothing, so in SQLite it waits for nobody who writes.

        Raises:
            DatabaseAwayError: the database does not serve, or goes away meanwhile.
            ConflictError: somebody else changed meanwhile what the block changes, or wrote what may be there once.
        """
        try:
            async with (
                nullcontext() if reading or not self.is_sqlite else self._turn,
                self._sessions(info={"viewer": viewer}) as session,
                session.begin(),
            ):
                if reading:
                    await session.connection(execution_options={_READING: True})
                yield session
        except NoConnectionError:
            raise DatabaseAwayError(f"all connections to the desk's database at {self.name} are in use") from None
        except (OperationalError, InterfaceError) as error:
            raise DatabaseAwayError(f"the desk's database at {self.name} does not serve: {_reason(error)}") from None
        except (StaleDataError, IntegrityError):
            raise ConflictError("somebody else changed the same meanwhile: nothing was kept") from None

    async def ping(self) -> None:
        """Ask the database for nothing.

        Raises:
            DatabaseAwayError: it does not serve.
        """
        async with self.session(None) as session:
            await session.connection()

    async def close(self) -> None:
        """Close its connections."""
        await self.engine.dispose()


def read_address(address: str) -> URL:
    """Return an address with the asynchronous driver of its database.

    Raises:
        ExpectedError: it is none of SQLite or PostgreSQL.
    """
    try:
        url = make_url(address)
    except ArgumentError:
        url = None
    if url is None or url.drivername not in _DRIVERS:
        raise ExpectedError("the desk's database: sqlite:///FILE or postgresql://USER:PASSWORD@HOST/NAME is needed")
    return url.set(drivername=_DRIVERS[url.drivername])


def _shown(url: URL) -> str:
    if url.get_backend_name() == "sqlite":
        return url.database or "memory"
    return f"{url.host or url.query.get('host') or 'localhost'}/{url.database or url.username or ''}"


def _reason(error: DBAPIError) -> str:
    return " ".join(str(error.orig).split())


def _prepare_sqlite(connection: Any, _: Any) -> None:
    # Python's driver would begin transactions of its own, after the first read.
    connection.isolation_level = None
    cursor = connection.cursor()
    cursor.execute("PRAGMA foreign_keys = ON")
    cursor.execute("PRAGMA journal_mode = WAL")
    cursor.execute("PRAGMA synchronous = FULL")
    cursor.execute(f"PRAGMA busy_timeout = {SQLITE_WAIT_MILLISECONDS}")
    cursor.close()


def _begin_sqlite(connection: Any) -> None:
    # Not deferred where it may write: a transaction that reads first and writes later fails at once when another one
    # wrote in between.
    connection.exec_driver_sql("BEGIN" if connection.get_execution_options().get(_READING) else "BEGIN IMMEDIATE")
