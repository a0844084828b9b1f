"""Users of the desk, and what makes a user a client or a manager."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from desk.database.base import Base, Exact, Key, Moment, one_of, utc_now

LONGEST_LOGIN = 64
LOGIN = r"[a-z0-9]([a-z0-9._@-]*[a-z0-9])?"
"""The form of a login."""
LONGEST_NAME = 120


class Role(StrEnum):
    """The part that a user has at the desk."""

    CLIENT = "client"
    MANAGER = "manager"
    ADMINISTRATOR = "administrator"


class User(Base):
    """Someone who can log in. A client or a manager has one row more, in its own table."""

    __tablename__ = "users"
    __table_args__ = (CheckConstraint("login = lower(login)", name="login_in_lower_case"),)

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    login: Mapped[str] = mapped_column(String(LONGEST_LOGIN), unique=True)
    """In lower case: a login is the same however it is typed."""
    password_hash: Mapped[str | None] = mapped_column(String(255))
    """None: no password opens this account."""
    role: Mapped[Role] = mapped_column(one_of(Role))
    full_name: Mapped[str] = mapped_column(String(LONGEST_NAME))
    is_made_up: Mapped[bool] = mapped_column(default=False)
    """The seed made this person up; pages say so next to the name."""
    created_at: Mapped[datetime] = mapped_column(Moment, default=utc_now)
    closed_at: Mapped[datetime | None] = mapped_column(Moment)
    """Since when nobody can log in here."""


class Manager(Base):
    """A loan officer, who works with the clients assigned to them."""

    __tablename__ = "managers"

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"), unique=True)
    dismissed_at: Mapped[datetime | None] = mapped_column(Moment)
    """Since when no client can be assigned to them."""


class Client(Base):
    """A retail client."""

    __tablename__ = "clients"
    __table_args__ = (CheckConstraint("days_employed_bin BETWEEN 0 AND 6", name="days_employed_bin_published"),)

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"), unique=True)
    manager_id: Mapped[int | None] = mapped_column(ForeignKey("managers.id", ondelete="SET NULL"), index=True)
    """None: nobody's, as after a dismissal, until an administrator assigns the client."""
    days_employed_bin: Mapped[int | None] = mapped_column()
    """Length of the present employment: 0 not employed, 1 up to a year, to 6, above 40 years."""
    version: Mapped[int] = mapped_column(default=1)
    __mapper_args__ = {"version_id_col": version}


class Credit(Base):
    """The credit that a client has."""

    __tablename__ = "credits"
    __table_args__ = (
        CheckConstraint("amount_total > 0", name="amount_total_positive"),
        CheckConstraint("annual_rate >= 0", name="annual_rate_not_negative"),
    )

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    client_id: Mapped[int] = mapped_column(ForeignKey("clients.id"), unique=True)
    amount_total: Mapped[Decimal] = mapped_column(Exact(14, 2))
    annual_rate: Mapped[Decimal] = mapped_column(Exact(6, 4))
    """A share: 0.1250 is 12.5 % a year."""
    payment_history: Mapped[list[dict[str, Any]]]
    """Months, the oldest first: `{"month": -3, "status": "0"}`, 0 being the month of the snapshot. The status is the
    published one of Kaggle's credit_record.csv: X no loan, C paid off, 0 up to 29 days past due, 1 up to 59, 2 up to
    89, 3 up to 119, 4 up to 149, 5 above or written off."""
