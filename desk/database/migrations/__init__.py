"""The scripts that Alembic runs."""
