"""Bodies of the API, in and out: strict, and without a member that nobody declared."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Any, Generic, Literal, TypeVar

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, PlainSerializer, StringConstraints

from desk.access.passwords import LONGEST, SHORTEST
from desk.database.people import LOGIN, LONGEST_LOGIN, LONGEST_NAME, Client, Credit, Manager, Role, User

LARGEST_ID = 2**53 - 1
"""The largest whole number that every reader of JSON keeps exactly."""
Row = TypeVar("Row")

Id = Annotated[int, Field(ge=1, le=LARGEST_ID)]
# Neither line breaks nor the NUL that PostgreSQL has no place for.
Line = Annotated[str, StringConstraints(pattern=r"^[^\x00-\x1f\x7f]*$")]
Search = Annotated[Line, Field(max_length=LONGEST_NAME)]
LoginName = Annotated[Line, Field(min_length=1, max_length=LONGEST_LOGIN)]
NewLogin = Annotated[str, StringConstraints(pattern=f"^{LOGIN}$", max_length=LONGEST_LOGIN, to_lower=True)]
FullName = Annotated[Line, StringConstraints(min_length=1, max_length=LONGEST_NAME, strip_whitespace=True)]
Number = Annotated[Decimal, PlainSerializer(float, return_type=float, when_used="json")]
Password = Annotated[str, Field(min_length=1, max_length=LONGEST)]
NewPassword = Annotated[str, Field(min_length=SHORTEST, max_length=LONGEST)]


def _in_utc(moment: datetime) -> datetime:
    """Return the same moment in UTC, where the first and the last year have an hour less."""
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise ValueError("a moment between the years 1 and 9999 in UTC is needed") from None


Moment = Annotated[AwareDatetime, AfterValidator(_in_utc)]


class Body(BaseModel):
    """A body that comes in."""

    model_config = ConfigDict(extra="forbid", strict=True)


class LogIn(Body):
    """A login."""

    login: LoginName
    password: Password


class ChangePassword(Body):
    """A new password for oneself."""

    old: Password
    new: NewPassword


class NewUser(Body):
    """A new account; a client may be given to a manager at once."""

    login: NewLogin
    full_name: FullName
    role: Role = Field(strict=False)
    manager_id: Id | None = None


class Assignment(Body):
    """The manager who looks after a client from now on."""

    manager_id: Id
    version: int = Field(ge=1, le=LARGEST_ID, description="the client's, as it was read")


class Out(BaseModel):
    """A body that goes out."""

    model_config = ConfigDict(extra="forbid")


class MeOut(Out):
    """Who is logged in, and the token that changes must bring."""

    user_id: int
    login: str
    full_name: str
    role: Role
    manager_id: int | None
    client_id: int | None
    csrf_token: str


class UserOut(Out):
    """A user."""

    id: int
    login: str
    full_name: str
    role: Role
    is_made_up: bool = Field(description="made up by the seed")
    created_at: datetime
    closed_at: datetime | None = Field(description="since when nobody can log in here")


class OpenedOut(UserOut):
    """A new account. The password is nowhere else."""

    password: str
    client_id: int | None
    manager_id: int | None


class ManagerOut(Out):
    """A manager."""

    id: int
    user_id: int
    login: str
    full_name: str
    is_made_up: bool
    dismissed_at: datetime | None


class PaymentOut(Out):
    """A month of a credit."""

    month: int = Field(le=0, description="counted back from the snapshot, which is month 0")
    status: Literal["X", "C", "0", "1", "2", "3", "4", "5"] = Field(
        description="X no loan, C paid off, 0 to 29 days past due, 1 to 59, 2 to 89, 3 to 119, 4 to 149, 5 above"
    )


class CreditOut(Out):
    """A client's credit."""

    amount_total: Number
    annual_rate: Number = Field(description="a share: 0.125 is 12.5 % a year")
    payment_history: list[PaymentOut]


class ClientOut(Out):
    """A client."""

    id: int
    user_id: int
    login: str
    full_name: str
    is_made_up: bool
    manager_id: int | None = Field(description="null: nobody's")
    days_employed_bin: int | None
    version: int = Field(description="to be sent back with a change")


class ClientRowOut(ClientOut):
    """A client in a list, with the amount of the credit."""

    amount_total: Number | None


class AuditEntryOut(Out):
    """One thing that somebody saw or did."""

    id: int
    at: datetime
    user_id: int | None
    login: str
    action: str
    subject: str
    client_id: int | None
    details: dict[str, Any]


class PageOut(Out, Generic[Row]):
    """A part of a long list."""

    rows: list[Row]
    total: int
    page: int
    size: int


class HealthOut(Out):
    """The state of the desk."""

    status: Literal["healthy"]
    database: Literal["serves"]


def user_out(user: User) -> UserOut:
    """Return a user as the API shows it."""
    return UserOut.model_validate({name: getattr(user, name) for name in UserOut.model_fields})


def manager_out(manager: Manager, user: User) -> ManagerOut:
    """Return a manager as the API shows it."""
    return ManagerOut(
        id=manager.id,
        user_id=user.id,
        login=user.login,
        full_name=user.full_name,
        is_made_up=user.is_made_up,
        dismissed_at=manager.dismissed_at,
    )


def client_out(client: Client, user: User) -> ClientOut:
    """Return a client as the API shows it."""
    return ClientOut(
        id=client.id,
        user_id=user.id,
        login=user.login,
        full_name=user.full_name,
        is_made_up=user.is_made_up,
        manager_id=client.manager_id,
        days_employed_bin=client.days_employed_bin,
        version=client.version,
    )


def client_row_out(client: Client, user: User, credit: Credit | None) -> ClientRowOut:
    """Return a client as lists show it."""
    amount = None if credit is None else credit.amount_total
    return ClientRowOut(**dict(client_out(client, user)), amount_total=amount)


def credit_out(credit: Credit) -> CreditOut:
    """Return a credit as the API shows it."""
    return CreditOut(
        amount_total=credit.amount_total,
        annual_rate=credit.annual_rate,
        payment_history=[PaymentOut(**payment) for payment in credit.payment_history],
    )
