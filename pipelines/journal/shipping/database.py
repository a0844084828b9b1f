"""The database of the copy: its address, its revision, and its failures in one line each."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import orjson
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import URL, Connection, Engine, create_engine, make_url, text
from sqlalchemy.exc import (
    ArgumentError,
    DBAPIError,
    InterfaceError,
    InternalError,
    NotSupportedError,
    OperationalError,
)

from pipelines.journal.shipping.session import pin
from pipelines.journal.shipping.tables import SCHEMA
from training.errors import StageError

_DRIVERS = {"postgres", "postgresql", "postgresql+psycopg"}
# libpq waits for ever by default, and for two hours on a machine that is gone. An address that names its own wins.
_WAITS = {
    "connect_timeout": "10",
    "tcp_user_timeout": "30000",
    "keepalives_idle": "30",
    "keepalives_interval": "10",
    "keepalives_count": "3",
}
_MIGRATING = 0x5C0_12EB0
"""The number of the advisory lock: one migration at a time."""


class AwayError(StageError):
    """PostgreSQL cannot be reached or does not serve; it may be back in a moment."""


class Database:
    """A PostgreSQL database.

    Args:
        address: as libpq takes it, `postgresql://user:password@host/name`; a Unix socket by `?host=/folder`.

    Raises:
        StageError: it is not such an address.
    """

    def __init__(self, address: str) -> None:
        url = _url(address)
        self.name = f"{url.host or url.query.get('host') or 'localhost'}/{url.database or url.username or ''}"
        """Where it is, to be shown: neither user nor password."""
        self.engine: Engine = create_engine(
            url.set(query={**_WAITS, **url.query}),
            # What is refused may be somebody's application.
            hide_parameters=True,
            json_serializer=lambda value: orjson.dumps(value).decode(),
            json_deserializer=orjson.loads,
        )
        pin(self.engine)

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """Run a block in a transaction.

        Raises:
            AwayError: PostgreSQL is not there, or goes away meanwhile; nothing of the block remains, unless it went
                during the commit.
            StageError: PostgreSQL refuses what it is asked.
        """
        try:
            with self.engine.begin() as connection:
                yield connection
        # A standby, and a plan from before a migration, are what it does not support.
        except (OperationalError, InterfaceError, InternalError, NotSupportedError) as error:
            raise AwayError(f"PostgreSQL at {self.name} does not serve: {_reason(error)}") from None
        except DBAPIError as error:
            raise StageError(f"PostgreSQL at {self.name} refuses: {_reason(error)}") from None

    def check(self, connection: Connection) -> None:
        """Refuse another revision than this version's.

        Raises:
            StageError: see above; the message names the command that helps.
        """
        found, wanted = revision(connection), newest_revision()
        if found == wanted:
            return
        state = "no tables of the journal" if found is None else f"revision {found} of the journal's tables"
        raise StageError(f"{self.name} has {state} and this version needs {wanted}: run scorebox journal migrate")

    def migrate(self, to: str = "head") -> tuple[str | None, str | None]:
        """Bring the tables to a revision; all of it or nothing.

        Returns:
            The revision before and after.

        Raises:
            StageError: the database is of a later version, or see `transaction`.
        """
        with self.transaction() as connection:
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _MIGRATING})
            before = revision(connection)
            config = _config()
            config.attributes["connection"] = connection
            try:
                if to == "base":
                    command.downgrade(config, to)
                else:
                    command.upgrade(config, to)
            except CommandError:
                raise StageError(f"{self.name} is at revision {before}, which this version does not know") from None
            return before, revision(connection)


def newest_revision() -> str:
    """Return the revision of `tables`."""
    head = _scripts().get_current_head()
    assert head is not None
    return head


def revision(connection: Connection) -> str | None:
    """Return the revision that a database is at; None if it has no tables of the journal."""
    return MigrationContext.configure(connection, opts={"version_table_schema": SCHEMA}).get_current_revision()


def _url(address: str) -> URL:
    form = "the database's address must be postgresql://user:password@host/name, signs in a password as %40"
    try:
        url = make_url(address)
    except (ArgumentError, ValueError):
        # Their messages quote parts of the address.
        raise StageError(form) from None
    # A password that is not quoted ends up in part as a host.
    if url.drivername not in _DRIVERS or "@" in (url.host or ""):
        raise StageError(form)
    return url.set(drivername="postgresql+psycopg")


def _reason(error: DBAPIError) -> str:
    """Return the first line of the driver's message on a connection, else only the kind: details quote values."""
    if isinstance(error, OperationalError | InterfaceError):
        return " ".join(str(error.orig).splitlines()[:1])
    return f"{type(error.orig).__name__} ({getattr(error.orig, 'sqlstate', None)})"


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    return config


@cache
def _scripts() -> ScriptDirectory:
    return ScriptDirectory.from_config(_config())
