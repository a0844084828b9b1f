"""The revisions of the copy's tables, run by Alembic on a connection that `scorebox journal migrate` hands over."""
