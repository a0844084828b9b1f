"""The first tables: journals, bases, decisions, challenges, erasures."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0001"
down_revision = None

SCHEMA = "journal"


def upgrade() -> None:
    """To this revision."""
    op.create_table(
        "journals",
        sa.Column("journal", sa.Uuid(), nullable=False),
        sa.Column("decisions", sa.BigInteger(), nullable=False),
        sa.Column("decision_proof", sa.LargeBinary(), nullable=False),
        sa.Column("challenges", sa.BigInteger(), nullable=False),
        sa.Column("challenge_proof", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("journal", name="pk_journals"),
        schema=SCHEMA,
    )
    op.create_table(
        "bases",
        sa.Column("sha256", sa.LargeBinary(), nullable=False),
        sa.Column("scorecard", sa.Text(), nullable=False),
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column("variant", sa.Text(), nullable=False),
        sa.Column("policy", sa.Text(), nullable=False),
        sa.Column("cutoff", sa.Double(), nullable=False),
        sa.Column("content", JSONB(), nullable=False, comment="the whole basis"),
        sa.PrimaryKeyConstraint("sha256", name="pk_bases"),
        schema=SCHEMA,
    )
    op.create_table(
        "decisions",
        sa.Column("decision_id", sa.Uuid(), nullable=False),
        sa.Column("journal", sa.Uuid(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("request_id", sa.Text(), nullable=False),
        sa.Column("basis", sa.LargeBinary(), nullable=False),
        sa.Column("pd", sa.Double(), nullable=False, comment="exactly the float32 that the graph gave"),
        sa.Column("declined", sa.Boolean(), nullable=False),
        sa.Column("points", sa.Integer(), nullable=False),
        sa.Column("band", sa.Text(), nullable=False),
        sa.Column("thin", sa.Boolean()),
        sa.Column("reasons", sa.ARRAY(sa.Text()), nullable=False, comment="codes, the first weighs most"),
        sa.Column(
            "contributions", sa.LargeBinary(), comment="little-endian float32, in the order of the basis's groups"
        ),
        sa.Column("applicant", sa.Text()),
        sa.Column("application", JSONB(), comment="NULL once erased, as are applicant, inputs and salt"),
        sa.Column("inputs", sa.LargeBinary(), comment="little-endian float32: what the graph read"),
        sa.Column("salt", sa.LargeBinary()),
        sa.Column("payload_sha256", sa.LargeBinary(), nullable=False),
        sa.Column("proof", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["journal"], [f"{SCHEMA}.journals.journal"], name="fk_decisions_journal"),
        sa.ForeignKeyConstraint(["basis"], [f"{SCHEMA}.bases.sha256"], name="fk_decisions_basis"),
        sa.PrimaryKeyConstraint("decision_id", name="pk_decisions"),
        sa.UniqueConstraint("journal", "sequence", name="uq_decisions_journal_sequence"),
        schema=SCHEMA,
    )
    op.create_index("ix_decisions_decided_at", "decisions", ["decided_at"], schema=SCHEMA)
    op.create_index(
        "ix_decisions_applicant",
        "decisions",
        ["applicant"],
        schema=SCHEMA,
        postgresql_where=sa.text("applicant IS NOT NULL"),
    )
    op.create_table(
        "challenges",
        sa.Column("journal", sa.Uuid(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("decision_id", sa.Uuid(), nullable=False),
        sa.Column("scored_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("basis", sa.LargeBinary(), nullable=False),
        sa.Column("pd", sa.Double(), nullable=False),
        sa.Column("declined", sa.Boolean(), nullable=False),
        sa.Column("inputs", sa.LargeBinary()),
        sa.Column("salt", sa.LargeBinary()),
        sa.Column("payload_sha256", sa.LargeBinary(), nullable=False),
        sa.Column("proof", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["journal"], [f"{SCHEMA}.journals.journal"], name="fk_challenges_journal"),
        sa.ForeignKeyConstraint(["basis"], [f"{SCHEMA}.bases.sha256"], name="fk_challenges_basis"),
        sa.PrimaryKeyConstraint("journal", "sequence", name="pk_challenges"),
        sa.UniqueConstraint("proof", name="uq_challenges_proof"),
        schema=SCHEMA,
    )
    op.create_index("ix_challenges_decision_id", "challenges", ["decision_id"], schema=SCHEMA)
    op.create_table(
        "erasures",
        sa.Column("decision_id", sa.Uuid(), nullable=False),
        sa.Column("journal", sa.Uuid(), nullable=False),
        sa.Column("erased_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["journal"], [f"{SCHEMA}.journals.journal"], name="fk_erasures_journal"),
        sa.PrimaryKeyConstraint("decision_id", name="pk_erasures"),
        schema=SCHEMA,
    )


def downgrade() -> None:
    """To the revision before."""
    for table in ("erasures", "challenges", "decisions", "bases", "journals"):
        op.drop_table(table, schema=SCHEMA)
