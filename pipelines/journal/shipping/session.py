"""Sets in every transaction of the copy what a database or a role may set otherwise by default."""

from __future__ import annotations

from typing import Any

import psycopg
from sqlalchemy import Connection, Engine, event

SETTINGS = {
    "DateStyle": "ISO, YMD",
    "IntervalStyle": "postgres",
    "TimeZone": "UTC",
    "array_nulls": "on",
    "bytea_output": "hex",
    "client_encoding": "UTF8",
    # Every double comes back to the bit.
    "extra_float_digits": "1",
    "search_path": "pg_catalog",
    "standard_conforming_strings": "on",
    "transform_null_equals": "off",
}
"""How values are written and read, and where names are looked up: never limits or plans, which are the operator's."""


def pin(engine: Engine) -> None:
    """Have each transaction of an engine write, at READ COMMITTED, under `SETTINGS`.

    Args:
        engine: of psycopg's driver.
    """
    # Of each transaction, not of the session: behind a pooler that one is somebody else's afterwards.
    calls = ", ".join(f"pg_catalog.set_config('{name}', '{value}', true)" for name, value in SETTINGS.items())

    def connected(connection: psycopg.Connection[Any], _: object) -> None:
        connection.isolation_level = psycopg.IsolationLevel.READ_COMMITTED
        connection.read_only = False
        connection.deferrable = False

    def begun(connection: Connection) -> None:
        connection.exec_driver_sql(f"SELECT {calls}")

    event.listen(engine, "connect", connected)
    event.listen(engine, "begin", begun)
