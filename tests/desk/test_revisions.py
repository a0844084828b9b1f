"""The revisions make the tables that the code declares, in two steps around a release."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from desk.database.base import Base
from desk.database.connection import Database, DatabaseAwayError
from desk.database.revisions import MIGRATIONS, Revisions, Step
from desk.database.scope import DESK
from scoring.expected import ExpectedError

pytestmark = pytest.mark.anyio
REVISIONS = ["0001 The first tables.", "0002 Requests for a score that are on their way."]


def differences(connection: Connection) -> list[object]:
    context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
    return list(compare_metadata(context, Base.metadata))


async def test_the_revisions_make_what_the_code_declares(empty: Database) -> None:
    assert await Revisions(empty).migrate() == REVISIONS
    async with empty.engine.connect() as connection:
        assert await connection.run_sync(differences) == []


async def test_a_migration_given_twice_or_by_two_at_once_is_run_once(empty: Database) -> None:
    done = await asyncio.gather(Revisions(empty).migrate(), Revisions(empty).migrate())
    assert sorted(done) == [[], REVISIONS]
    assert await Revisions(empty).migrate() == []


async def test_a_database_without_this_version_s_tables_is_refused_with_the_command_that_makes_them(
    empty: Database,
) -> None:
    with pytest.raises(ExpectedError, match="lacks this version's tables: scorebox desk migrate"):
        await Revisions(empty).check()
    await Revisions(empty).migrate()
    await Revisions(empty).check()


def later(folder: Path, number: str, step: str, before: str) -> None:
    statement = f"ALTER TABLE notes ADD COLUMN column_{number} INTEGER"
    (folder / f"{number}_later.py").write_text(
        f'"""Revision {number}."""\n\nfrom alembic import op\n\n'
        f'revision = "{number}"\ndown_revision = "{before}"\nSTEP = "{step}"\n\n\n'
        f'def upgrade() -> None:\n    op.execute("{statement}")\n'
    )


async def test_the_steps_of_a_release_run_before_and_after_it_and_a_forgotten_one_is_named(
    empty: Database, tmp_path: Path
) -> None:
    later(tmp_path, "0003", "before", "0002")
    later(tmp_path, "0004", "after", "0003")
    later(tmp_path, "0005", "before", "0004")
    revisions = Revisions(empty, MIGRATIONS / "versions", tmp_path)
    assert await revisions.migrate(Step.BEFORE) == [*REVISIONS, "0003 Revision 0003."]
    # The release before the present one left its second step undone.
    with pytest.raises(ExpectedError, match="revision 0004 comes first: scorebox desk migrate --step after"):
        await revisions.migrate(Step.BEFORE)
    with pytest.raises(ExpectedError, match="lacks this version's tables"):
        await revisions.check()
    assert await revisions.migrate(Step.AFTER) == ["0004 Revision 0004."]
    assert await revisions.migrate(Step.AFTER) == []
    assert await revisions.migrate() == ["0005 Revision 0005."]
    await revisions.check()


async def test_a_version_runs_while_its_second_step_is_still_to_come(empty: Database, tmp_path: Path) -> None:
    later(tmp_path, "0003", "after", "0002")
    revisions = Revisions(empty, MIGRATIONS / "versions", tmp_path)
    await revisions.migrate(Step.BEFORE)
    await revisions.check()


async def test_a_database_of_a_newer_version_is_refused_and_left_as_it_is(empty: Database, tmp_path: Path) -> None:
    later(tmp_path, "0003", "before", "0002")
    await Revisions(empty, MIGRATIONS / "versions", tmp_path).migrate()
    for attempt in (Revisions(empty).check, Revisions(empty).migrate):
        with pytest.raises(ExpectedError, match="has revision 0003, which this version does not know"):
            await attempt()


async def test_a_migration_that_fails_leaves_nothing(empty: Database, tmp_path: Path) -> None:
    later(tmp_path, "0003", "before", "0002")
    broken = tmp_path / "0003_later.py"
    broken.write_text(broken.read_text().replace("ALTER TABLE notes", "ALTER TABLE nothing"))
    with pytest.raises(Exception, match="nothing"):
        await Revisions(empty, MIGRATIONS / "versions", tmp_path).migrate()
    async with empty.engine.connect() as connection:
        assert await connection.run_sync(lambda c: c.dialect.get_table_names(c)) == []


@pytest.mark.parametrize("statement", ["UPDATE audit_log SET login = 'nobody'", "DELETE FROM audit_log"])
async def test_the_database_itself_refuses_to_change_the_audit_log(database: Database, statement: str) -> None:
    async with database.engine.connect() as connection:
        with pytest.raises(DBAPIError, match="the audit log is append-only"):
            await connection.execute(text(statement))


@pytest.mark.slow
@pytest.mark.parametrize("databases", ["postgresql"], indirect=True)
async def test_postgresql_refuses_to_empty_the_audit_log(database: Database) -> None:
    async with database.engine.connect() as connection:
        with pytest.raises(DBAPIError, match="the audit log is append-only"):
            await connection.execute(text("TRUNCATE audit_log"))


@pytest.mark.parametrize("address", ["", "mysql://host/name", "desk.sqlite", "postgresql", "sqlite+pysqlite:///a"])
def test_an_address_of_no_such_database_is_refused_without_being_shown(address: str) -> None:
    with pytest.raises(ExpectedError, match=r"sqlite:///FILE or postgresql://") as refused:
        Database(address)
    assert not address or address not in str(refused.value).replace("postgresql://", "")


async def test_a_database_that_is_away_is_named_without_its_password() -> None:
    database = Database("postgresql://clerk:secret@127.0.0.1:1/lending")
    with pytest.raises(DatabaseAwayError, match=r"127\.0\.0\.1/lending does not serve") as refused:
        async with database.session(DESK) as session:
            await session.connection()
    assert "secret" not in str(refused.value)
    await database.close()
