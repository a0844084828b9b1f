"""Bring the database to this version's revision, in two steps around a rolling release.

A revision says in `STEP` when it runs. `before`: ahead of the release, while the version that runs still serves; it
only adds what that version does not mind. `after`: once no process of the old version is left; it may remove what the
new one does not use.
"""

from __future__ import annotations

from enum import StrEnum
from itertools import takewhile
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import Script, ScriptDirectory
from sqlalchemy import Connection, text

from desk.database.connection import Database
from scoring.expected import ExpectedError

MIGRATIONS = Path(__file__).parent / "migrations"
_MIGRATING = 0x5C0_DE5C
"""The number of the advisory lock: one migration at a time."""


class Step(StrEnum):
    """When a revision runs."""

    BEFORE = "before"
    AFTER = "after"


class Revisions:
    """The revisions of a database.

    Args:
        database: of the desk.
        folders: where the revision files are; more than one only in tests.
    """

    def __init__(self, database: Database, *folders: Path) -> None:
        self._database = database
        self._config = Config()
        self._config.set_main_option("script_location", str(MIGRATIONS))
        self._config.set_main_option("path_separator", "newline")
        self._config.set_main_option("version_locations", "\n".join(map(str, folders or (MIGRATIONS / "versions",))))
        self._scripts = ScriptDirectory.from_config(self._config)

    async def migrate(self, step: Step | None = None) -> list[str]:
        """Run the revisions of a step that are not there yet, all or none; those of both steps if none is named.

        Returns:
            What was run, `0001 The first tables`, in order.

        Raises:
            ExpectedError: the database is newer than this version, or a step of an earlier release is still to be run.
            DatabaseAwayError: it cannot be reached.
        """
        async with self._database.session(None) as session:
            connection = await session.connection()
            return await connection.run_sync(self._migrate, step)

    async def check(self) -> None:
        """Refuse a database on which this version cannot run.

        Raises:
            ExpectedError: it lacks a revision that comes before this version, or has one that is not known here.
            DatabaseAwayError: it cannot be reached.
        """
        async with self._database.session(None) as session:
            connection = await session.connection()
            pending = await connection.run_sync(self._pending)
        if any(_step(script) is Step.BEFORE for script in pending):
            raise ExpectedError(f"{self._database.name} lacks this version's tables: scorebox desk migrate")

    def _migrate(self, connection: Connection, step: Step | None) -> list[str]:
        if connection.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:number)"), {"number": _MIGRATING})
        pending = self._pending(connection)
        chosen = pending
        if step is not None:
            chosen = list(takewhile(lambda script: _step(script) is step, pending))
            if not chosen and any(_step(script) is step for script in pending):
                first = pending[0]
                raise ExpectedError(
                    f"revision {first.revision} comes first: scorebox desk migrate --step {_step(first)}"
                )
        if chosen:
            self._config.attributes["connection"] = connection
            command.upgrade(self._config, chosen[-1].revision)
        return [f"{script.revision} {script.doc}" for script in chosen]

    def _pending(self, connection: Connection) -> list[Script]:
        """Return the revisions that the database lacks, the oldest first."""
        current = MigrationContext.configure(connection).get_current_revision()
        known = list(self._scripts.walk_revisions())
        if current is not None and current not in {script.revision for script in known}:
            raise ExpectedError(f"{self._database.name} has revision {current}, which this version does not know")
        newer: list[Script] = []
        for script in known:
            if script.revision == current:
                break
            newer.append(script)
        return newer[::-1]


def _step(script: Script) -> Step:
    return Step(script.module.STEP)
