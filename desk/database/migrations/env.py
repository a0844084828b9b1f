"""Alembic runs this for every migration, in the transaction that `revisions.py` has begun."""

from __future__ import annotations

from alembic import context
from sqlalchemy import Connection

from desk.database.base import Base

connection: Connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=Base.metadata, transaction_per_migration=False)
context.run_migrations()
