"""Defaults of a database or a role change nothing in the copy."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from pipelines.journal.shipping.database import Database, newest_revision
from pipelines.journal.shipping.shipper import Copied
from scoring.journal.erasure import erase
from scoring.journal.writer import Journal
from tests.pipelines.journal.shipping.copies import FROM_THE_START, challenge, copy_contents, journal_contents, ship_all
from tests.scoring.journal.made_up import append

ODD_DEFAULTS = {
    "DateStyle": "SQL, DMY",
    "IntervalStyle": "sql_standard",
    "TimeZone": "<-07:30>+07:30",
    "array_nulls": "off",
    "bytea_output": "escape",
    "client_encoding": "LATIN1",
    "default_transaction_deferrable": "on",
    "default_transaction_isolation": "serializable",
    "default_transaction_read_only": "on",
    "extra_float_digits": "-15",
    "row_security": "off",
    "search_path": "elsewhere",
    "standard_conforming_strings": "off",
    "transform_null_equals": "on",
}


@pytest.fixture
def odd(empty: str) -> str:
    """The address of an empty database with defaults of its own, and a schema that hides functions of PostgreSQL's."""
    with psycopg.connect(empty, autocommit=True) as connection:
        name = sql.Identifier(connection.info.dbname)
        connection.execute("CREATE SCHEMA elsewhere")
        for setting, value in ODD_DEFAULTS.items():
            statement = sql.SQL("ALTER DATABASE {} SET {} = {}")
            connection.execute(statement.format(name, sql.Identifier(setting), sql.Literal(value)))
    return empty


def test_the_copy_is_the_same_whatever_the_database_sets_by_default(odd: str, tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal")
    journal.open()
    made = append(journal, [0.1, 1 / 3, 0.7], applicant="Łucja \\' Ødegård 漢")
    challenge(journal, made.decision_ids, pd=1 / 3)
    erase(journal.folder, made.decision_ids[:1])
    journal.close()
    database = Database(odd)
    assert database.migrate() == (None, newest_revision())
    assert ship_all(journal.folder, database) == [Copied(decisions=3, challenges=3, erasures=1, expired=())]
    assert copy_contents(database, journal.folder) == journal_contents(journal.folder)
    # By another shipper from the first record on: every row is compared with the one that is there.
    with database.transaction() as connection:
        connection.exec_driver_sql(FROM_THE_START)
    assert ship_all(journal.folder, database) == [Copied(decisions=3, challenges=3, erasures=1, expired=())]
    database.engine.dispose()
