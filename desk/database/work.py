"""Applications, the scores they got, and what people said and decided about them."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text, Uuid
from sqlalchemy.orm import Mapped, aliased, mapped_column

from desk.database.base import Base, Key, Moment, one_of, utc_now

LONGEST_NOTE = 4_000
LONGEST_DOCUMENT = 200


class Status(StrEnum):
    """Where an application stands."""

    DRAFT = "draft"
    SUBMITTED = "submitted"
    SCORING = "scoring"
    DECIDED = "decided"
    WITHDRAWN = "withdrawn"


class Choice(StrEnum):
    """The decision of a person about an application."""

    APPROVE = "approve"
    DECLINE = "decline"
    ASK_FOR_MORE = "ask for more"


class ReasonCode(StrEnum):
    """Why a person decided so."""

    AS_SCORED = "as scored"
    INCOME_PROVEN = "income proven"
    COLLATERAL = "collateral"
    KNOWN_CLIENT = "known client"
    INCOME_NOT_PROVEN = "income not proven"
    CONTRADICTIONS = "contradictions"
    OTHER_DEBTS = "other debts"
    POLICY_EXCEPTION = "policy exception"
    DOCUMENTS_MISSING = "documents missing"


class Application(Base):
    """One application of a client to one scorecard."""

    __tablename__ = "applications"
    __table_args__ = (
        Index("ix_applications_client_id_created_at", "client_id", "created_at"),
        Index("ix_applications_status_submitted_at", "status", "submitted_at"),
    )

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    client_id: Mapped[int] = mapped_column(ForeignKey("clients.id"))
    scorecard: Mapped[str] = mapped_column(String(64))
    fields: Mapped[dict[str, Any]]
    """By column of the scorecard; a draft may lack some."""
    status: Mapped[Status] = mapped_column(one_of(Status), default=Status.DRAFT)
    created_at: Mapped[datetime] = mapped_column(Moment, default=utc_now)
    submitted_at: Mapped[datetime | None] = mapped_column(Moment)
    version: Mapped[int] = mapped_column(default=1)
    """Rises with each change: who changes what another one has changed meanwhile is told."""
    __mapper_args__ = {"version_id_col": version}


class Score(Base):
    """The answer of a scorecard to an application, as it stood then."""

    __tablename__ = "scores"
    __table_args__ = (
        CheckConstraint("score BETWEEN 0 AND 1", name="score_is_a_pd"),
        Index("ix_scores_application_id_timestamp", "application_id", "timestamp"),
    )

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    application_id: Mapped[int] = mapped_column(ForeignKey("applications.id"))
    request_id: Mapped[UUID] = mapped_column(Uuid, unique=True)
    """The id of the request that asked for it: an answer that comes twice is kept once."""
    score: Mapped[float]
    """The probability of default (PD)."""
    decision_id: Mapped[UUID] = mapped_column(Uuid, unique=True)
    """By which the journal of the service knows the decision."""
    decision: Mapped[str] = mapped_column(String(32))
    model: Mapped[str] = mapped_column(String(255))
    policy: Mapped[str] = mapped_column(String(255))
    band: Mapped[str] = mapped_column(String(32))
    points: Mapped[int]
    cutoff: Mapped[float]
    fields: Mapped[dict[str, Any]]
    """The application as it was scored; later edits leave it."""
    reasons: Mapped[list[dict[str, Any]]]
    """Code, sentence and contribution of each, the first weighs most."""
    timestamp: Mapped[datetime] = mapped_column(Moment, default=utc_now)


LatestScore = aliased(Score)
"""The scores again, for a statement that looks for the latest one. `scope.py` limits it as it does the table."""


class Verdict(Base):
    """A decision of a person about an application, next to what the score said."""

    __tablename__ = "verdicts"

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    application_id: Mapped[int] = mapped_column(ForeignKey("applications.id"), index=True)
    score_id: Mapped[int] = mapped_column(ForeignKey("scores.id"))
    """The score that the person saw."""
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"), index=True)
    choice: Mapped[Choice] = mapped_column(one_of(Choice))
    reason_code: Mapped[ReasonCode] = mapped_column(one_of(ReasonCode))
    note: Mapped[str] = mapped_column(Text, default="")
    is_override: Mapped[bool]
    """It differs from the score's decision."""
    created_at: Mapped[datetime] = mapped_column(Moment, default=utc_now)


class Note(Base):
    """A manager's note about an application; clients do not see it."""

    __tablename__ = "notes"

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    application_id: Mapped[int] = mapped_column(ForeignKey("applications.id"), index=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    text: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(Moment, default=utc_now)


class DocumentRequest(Base):
    """A document that a manager asked the client for."""

    __tablename__ = "document_requests"

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    application_id: Mapped[int] = mapped_column(ForeignKey("applications.id"), index=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    document: Mapped[str] = mapped_column(String(LONGEST_DOCUMENT))
    created_at: Mapped[datetime] = mapped_column(Moment, default=utc_now)
    received_at: Mapped[datetime | None] = mapped_column(Moment)
