"""Requests for a score that are on their way. One is written in the transaction in which it is asked for."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, Index, Uuid
from sqlalchemy.orm import Mapped, mapped_column

from desk.database.base import Base, Moment, utc_now


class ScoringJob(Base):
    """A request for a score. It is done when `finished_at` says so; until then whoever finds it due takes it up."""

    __tablename__ = "scoring_jobs"
    __table_args__ = (Index("ix_scoring_jobs_finished_at_due_at", "finished_at", "due_at"),)

    request_id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    """The service decides once for it, however often it is asked."""
    application_id: Mapped[int] = mapped_column(ForeignKey("applications.id"), index=True)
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    """The user who asked; None: a command of the desk's operator."""
    fields: Mapped[dict[str, Any]]
    """The application as it was then."""
    created_at: Mapped[datetime] = mapped_column(Moment, default=utc_now)
    due_at: Mapped[datetime] = mapped_column(Moment, default=utc_now)
    """When to try it, or to try it again."""
    attempts: Mapped[int] = mapped_column(default=0)
    finished_at: Mapped[datetime | None] = mapped_column(Moment)
    errors: Mapped[list[dict[str, Any]] | None]
    """Field, rule and message of each rule that the application breaks, if the service refused it."""
