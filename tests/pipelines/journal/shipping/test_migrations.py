"""The tables of the copy: made, taken back, and refused where they are another version's."""

from __future__ import annotations

from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext

from pipelines.journal.shipping.database import Database, newest_revision
from pipelines.journal.shipping.shipper import Shipper
from pipelines.journal.shipping.tables import SCHEMA, metadata
from scoring.journal.writer import Journal
from tests.pipelines.journal.shipping.copies import Command, change, read, ship_command
from tests.scoring.journal.made_up import append
from training.errors import StageError


def tables(address: str) -> set[str]:
    query = f"SELECT table_name FROM information_schema.tables WHERE table_schema = '{SCHEMA}'"
    return {row["table_name"] for row in read(address, query)}


def test_migrations_lead_to_the_tables_that_the_code_knows_and_back(empty: str) -> None:
    database = Database(empty)
    assert database.migrate() == (None, newest_revision())
    with database.transaction() as connection:
        context = MigrationContext.configure(
            connection,
            opts={
                "include_schemas": True,
                "include_name": lambda name, kind, _: kind != "schema" or name == SCHEMA,
                "version_table_schema": SCHEMA,
            },
        )
        assert compare_metadata(context, metadata) == []
    assert tables(empty) == {"journals", "bases", "decisions", "challenges", "erasures", "alembic_version"}
    assert database.migrate("base") == (newest_revision(), None)
    assert tables(empty) == {"alembic_version"}
    assert database.migrate() == (None, newest_revision())
    database.engine.dispose()


def test_the_command_says_what_it_did(empty: str) -> None:
    code, said = Command("migrate", "--database", empty).ended()
    name = Database(empty).name
    assert (code, said) == (0, f"migrate     {name}: from no tables to revision {newest_revision()}\n")
    database = Database(empty)
    assert database.migrate() == (newest_revision(), newest_revision())
    database.engine.dispose()


def test_another_revision_is_refused_with_the_command_that_helps(empty: str, tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal")
    journal.open()
    append(journal, [0.1])
    journal.close()
    name = Database(empty).name
    wanted = f"this version needs {newest_revision()}: run scorebox journal migrate"
    code, said = ship_command(journal.folder, empty).ended()
    assert (code, said) == (1, f"error {name} has no tables of the journal and {wanted}\n")
    database = Database(empty)
    database.migrate()
    change(empty, "UPDATE journal.alembic_version SET version_num = 'later'")
    with pytest.raises(StageError, match=f"has revision later of the journal's tables and {wanted}"):
        Shipper(journal.folder, database).ship()
    with pytest.raises(StageError, match="is at revision later, which this version does not know"):
        database.migrate()
    database.engine.dispose()
