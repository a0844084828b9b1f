"""Requests for a score that are on their way."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0002"
down_revision = "0001"
STEP = "before"

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MOMENT = sa.DateTime(timezone=True)
DOCUMENT = sa.JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")


def upgrade() -> None:
    """Make the table of requests."""
    op.create_table(
        "scoring_jobs",
        sa.Column("request_id", sa.Uuid(), nullable=False),
        sa.Column("application_id", KEY, nullable=False),
        sa.Column("user_id", KEY),
        sa.Column("fields", DOCUMENT, nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("due_at", MOMENT, nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("finished_at", MOMENT),
        sa.Column("errors", DOCUMENT),
        sa.ForeignKeyConstraint(["application_id"], ["applications.id"], name="fk_scoring_jobs_application_id"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_scoring_jobs_user_id"),
        sa.PrimaryKeyConstraint("request_id", name="pk_scoring_jobs"),
    )
    op.create_index("ix_scoring_jobs_application_id", "scoring_jobs", ["application_id"])
    op.create_index("ix_scoring_jobs_finished_at_due_at", "scoring_jobs", ["finished_at", "due_at"])
