"""The audit log: who saw and who changed what. The database itself refuses to change or delete a row of it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Index, String
from sqlalchemy.orm import Mapped, mapped_column

from desk.database.base import Base, Key, Moment, utc_now


class AuditEntry(Base):
    """One thing that somebody saw or did. No foreign keys: it outlives what it tells of."""

    __tablename__ = "audit_log"
    __table_args__ = (
        Index("ix_audit_log_at", "at"),
        Index("ix_audit_log_user_id_at", "user_id", "at"),
        Index("ix_audit_log_client_id_at", "client_id", "at"),
    )

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    at: Mapped[datetime] = mapped_column(Moment, default=utc_now)
    user_id: Mapped[int | None] = mapped_column(Key)
    """None: the desk itself, or a command of its operator."""
    login: Mapped[str] = mapped_column(String(64))
    """As it was then."""
    action: Mapped[str] = mapped_column(String(64))
    """A verb and a noun, such as `see client` or `assign client`."""
    subject: Mapped[str] = mapped_column(String(64))
    """Table and key, such as `clients/17`."""
    client_id: Mapped[int | None] = mapped_column(Key)
    """Whose data it was about."""
    details: Mapped[dict[str, Any]] = mapped_column(default=dict)
    """Which fields changed, and the like; never a password, never the fields' values."""
