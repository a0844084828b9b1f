"""The first tables."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0001"
down_revision = None
STEP = "before"

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MOMENT = sa.DateTime(timezone=True)
DOCUMENT = sa.JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")
APPEND_ONLY = {
    "sqlite": (
        "CREATE TRIGGER audit_log_no_update BEFORE UPDATE ON audit_log "
        "BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END",
        "CREATE TRIGGER audit_log_no_delete BEFORE DELETE ON audit_log "
        "BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END",
    ),
    "postgresql": (
        "CREATE FUNCTION refuse_change_of_audit_log() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION 'the audit log is append-only'; END $$",
        "CREATE TRIGGER audit_log_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_log "
        "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change_of_audit_log()",
    ),
}


def upgrade() -> None:
    """Make the tables of people, their work, logins and the audit log."""
    _people()
    _work()
    _access()
    _audit_log()


def exact(digits: int, places: int) -> sa.types.TypeEngine[Any]:
    """Return the type of a decimal number; SQLite has whole units of the last place."""
    return sa.Numeric(digits, places).with_variant(sa.BigInteger(), "sqlite")


def _people() -> None:
    op.create_table(
        "users",
        sa.Column("id", KEY, nullable=False),
        sa.Column("login", sa.String(length=64), nullable=False),
        sa.Column("password_hash", sa.String(length=255)),
        sa.Column(
            "role",
            sa.Enum(
                "client", "manager", "administrator", name="role", native_enum=False, create_constraint=True, length=32
            ),
            nullable=False,
        ),
        sa.Column("full_name", sa.String(length=120), nullable=False),
        sa.Column("is_made_up", sa.Boolean(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("closed_at", MOMENT),
        sa.CheckConstraint("login = lower(login)", name="ck_users_login_in_lower_case"),
        sa.PrimaryKeyConstraint("id", name="pk_users"),
        sa.UniqueConstraint("login", name="uq_users_login"),
    )
    op.create_table(
        "managers",
        sa.Column("id", KEY, nullable=False),
        sa.Column("user_id", KEY, nullable=False),
        sa.Column("dismissed_at", MOMENT),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_managers_user_id"),
        sa.PrimaryKeyConstraint("id", name="pk_managers"),
        sa.UniqueConstraint("user_id", name="uq_managers_user_id"),
    )
    op.create_table(
        "clients",
        sa.Column("id", KEY, nullable=False),
        sa.Column("user_id", KEY, nullable=False),
        sa.Column("manager_id", KEY),
        sa.Column("days_employed_bin", sa.Integer()),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint("days_employed_bin BETWEEN 0 AND 6", name="ck_clients_days_employed_bin_published"),
        sa.ForeignKeyConstraint(["manager_id"], ["managers.id"], name="fk_clients_manager_id", ondelete="SET NULL"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_clients_user_id"),
        sa.PrimaryKeyConstraint("id", name="pk_clients"),
        sa.UniqueConstraint("user_id", name="uq_clients_user_id"),
    )
    op.create_index("ix_clients_manager_id", "clients", ["manager_id"])
    op.create_table(
        "credits",
        sa.Column("id", KEY, nullable=False),
        sa.Column("client_id", KEY, nullable=False),
        sa.Column("amount_total", exact(14, 2), nullable=False),
        sa.Column("annual_rate", exact(6, 4), nullable=False),
        sa.Column("payment_history", DOCUMENT, nullable=False),
        sa.CheckConstraint("amount_total > 0", name="ck_credits_amount_total_positive"),
        sa.CheckConstraint("annual_rate >= 0", name="ck_credits_annual_rate_not_negative"),
        sa.ForeignKeyConstraint(["client_id"], ["clients.id"], name="fk_credits_client_id"),
        sa.PrimaryKeyConstraint("id", name="pk_credits"),
        sa.UniqueConstraint("client_id", name="uq_credits_client_id"),
    )


def _work() -> None:
    op.create_table(
        "applications",
        sa.Column("id", KEY, nullable=False),
        sa.Column("client_id", KEY, nullable=False),
        sa.Column("scorecard", sa.String(length=64), nullable=False),
        sa.Column("fields", DOCUMENT, nullable=False),
        sa.Column(
            "status",
            sa.Enum(
                "draft",
                "submitted",
                "scoring",
                "decided",
                "withdrawn",
                name="status",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("submitted_at", MOMENT),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["client_id"], ["clients.id"], name="fk_applications_client_id"),
        sa.PrimaryKeyConstraint("id", name="pk_applications"),
    )
    op.create_index("ix_applications_client_id_created_at", "applications", ["client_id", "created_at"])
    op.create_index("ix_applications_status_submitted_at", "applications", ["status", "submitted_at"])
    op.create_table(
        "scores",
        sa.Column("id", KEY, nullable=False),
        sa.Column("application_id", KEY, nullable=False),
        sa.Column("request_id", sa.Uuid(), nullable=False),
        sa.Column("score", sa.Double(), nullable=False),
        sa.Column("decision_id", sa.Uuid(), nullable=False),
        sa.Column("decision", sa.String(length=32), nullable=False),
        sa.Column("model", sa.String(length=255), nullable=False),
        sa.Column("policy", sa.String(length=255), nullable=False),
        sa.Column("band", sa.String(length=32), nullable=False),
        sa.Column("points", sa.Integer(), nullable=False),
        sa.Column("cutoff", sa.Double(), nullable=False),
        sa.Column("fields", DOCUMENT, nullable=False),
        sa.Column("reasons", DOCUMENT, nullable=False),
        sa.Column("timestamp", MOMENT, nullable=False),
        sa.CheckConstraint("score BETWEEN 0 AND 1", name="ck_scores_score_is_a_pd"),
        sa.ForeignKeyConstraint(["application_id"], ["applications.id"], name="fk_scores_application_id"),
        sa.PrimaryKeyConstraint("id", name="pk_scores"),
        sa.UniqueConstraint("decision_id", name="uq_scores_decision_id"),
        sa.UniqueConstraint("request_id", name="uq_scores_request_id"),
    )
    op.create_index("ix_scores_application_id_timestamp", "scores", ["application_id", "timestamp"])
    op.create_table(
        "verdicts",
        sa.Column("id", KEY, nullable=False),
        sa.Column("application_id", KEY, nullable=False),
        sa.Column("score_id", KEY, nullable=False),
        sa.Column("user_id", KEY, nullable=False),
        sa.Column(
            "choice",
            sa.Enum(
                "approve",
                "decline",
                "ask for more",
                name="choice",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column(
            "reason_code",
            sa.Enum(
                "as scored",
                "income proven",
                "collateral",
                "known client",
                "income not proven",
                "contradictions",
                "other debts",
                "policy exception",
                "documents missing",
                name="reasoncode",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("is_override", sa.Boolean(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(["application_id"], ["applications.id"], name="fk_verdicts_application_id"),
        sa.ForeignKeyConstraint(["score_id"], ["scores.id"], name="fk_verdicts_score_id"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_verdicts_user_id"),
        sa.PrimaryKeyConstraint("id", name="pk_verdicts"),
    )
    op.create_index("ix_verdicts_application_id", "verdicts", ["application_id"])
    op.create_index("ix_verdicts_user_id", "verdicts", ["user_id"])
    op.create_table(
        "notes",
        sa.Column("id", KEY, nullable=False),
        sa.Column("application_id", KEY, nullable=False),
        sa.Column("user_id", KEY, nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(["application_id"], ["applications.id"], name="fk_notes_application_id"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_notes_user_id"),
        sa.PrimaryKeyConstraint("id", name="pk_notes"),
    )
    op.create_index("ix_notes_application_id", "notes", ["application_id"])
    op.create_table(
        "document_requests",
        sa.Column("id", KEY, nullable=False),
        sa.Column("application_id", KEY, nullable=False),
        sa.Column("user_id", KEY, nullable=False),
        sa.Column("document", sa.String(length=200), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("received_at", MOMENT),
        sa.ForeignKeyConstraint(["application_id"], ["applications.id"], name="fk_document_requests_application_id"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_document_requests_user_id"),
        sa.PrimaryKeyConstraint("id", name="pk_document_requests"),
    )
    op.create_index("ix_document_requests_application_id", "document_requests", ["application_id"])


def _access() -> None:
    op.create_table(
        "login_sessions",
        sa.Column("token_sha256", sa.LargeBinary(length=32), nullable=False),
        sa.Column("user_id", KEY, nullable=False),
        sa.Column("csrf_token", sa.String(length=64), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_login_sessions_user_id"),
        sa.PrimaryKeyConstraint("token_sha256", name="pk_login_sessions"),
    )
    op.create_index("ix_login_sessions_expires_at", "login_sessions", ["expires_at"])
    op.create_index("ix_login_sessions_user_id", "login_sessions", ["user_id"])
    op.create_table(
        "failed_logins",
        sa.Column("id", KEY, nullable=False),
        sa.Column("login", sa.String(length=64), nullable=False),
        sa.Column("address", sa.String(length=64), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_failed_logins"),
    )
    op.create_index("ix_failed_logins_address_at", "failed_logins", ["address", "at"])
    op.create_index("ix_failed_logins_login_at", "failed_logins", ["login", "at"])


def _audit_log() -> None:
    op.create_table(
        "audit_log",
        sa.Column("id", KEY, nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("user_id", KEY),
        sa.Column("login", sa.String(length=64), nullable=False),
        sa.Column("action", sa.String(length=64), nullable=False),
        sa.Column("subject", sa.String(length=64), nullable=False),
        sa.Column("client_id", KEY),
        sa.Column("details", DOCUMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_audit_log"),
    )
    op.create_index("ix_audit_log_at", "audit_log", ["at"])
    op.create_index("ix_audit_log_client_id_at", "audit_log", ["client_id", "at"])
    op.create_index("ix_audit_log_user_id_at", "audit_log", ["user_id", "at"])
    for statement in APPEND_ONLY[op.get_bind().dialect.name]:
        op.execute(statement)
