"""Alembic runs this for every migration."""

from __future__ import annotations

from alembic import context
from sqlalchemy import Connection, inspect
from sqlalchemy.schema import CreateSchema

from pipelines.journal.shipping.tables import SCHEMA, metadata

connection: Connection = context.config.attributes["connection"]
# The table of revisions is in the schema too. Who may not make schemas can be given one.
if not inspect(connection).has_schema(SCHEMA):
    connection.execute(CreateSchema(SCHEMA))
context.configure(
    connection=connection, target_metadata=metadata, version_table_schema=SCHEMA, transaction_per_migration=False
)
with context.begin_transaction():
    context.run_migrations()
