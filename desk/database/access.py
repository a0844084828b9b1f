"""Sessions of people who are logged in, and logins that failed."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from desk.database.base import Base, Key, Moment, utc_now


class LoginSession(Base):
    """A browser that is logged in. The cookie holds a token; the table only its SHA-256."""

    __tablename__ = "login_sessions"

    token_sha256: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"), index=True)
    csrf_token: Mapped[str] = mapped_column(String(64))
    created_at: Mapped[datetime] = mapped_column(Moment, default=utc_now)
    expires_at: Mapped[datetime] = mapped_column(Moment, index=True)


class FailedLogin(Base):
    """A login that failed, by which further ones are slowed down."""

    __tablename__ = "failed_logins"
    __table_args__ = (
        Index("ix_failed_logins_login_at", "login", "at"),
        Index("ix_failed_logins_address_at", "address", "at"),
    )

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    login: Mapped[str] = mapped_column(String(64))
    address: Mapped[str] = mapped_column(String(64))
    at: Mapped[datetime] = mapped_column(Moment, default=utc_now)
