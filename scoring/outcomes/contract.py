"""Define the rules of an outcome, the same for requests and for files.

Requests are held to the model as it is. The cells of a file are text, or Arrow's own types, so a file's rows are
validated with `strict=False`.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from scoring.moment import as_decision_id, parse_moment
from scoring.outcomes.store import GRACE, Outcome


def _day(value: Any) -> date:
    """Return the day of a date or a moment, as text of ISO 8601 or as Arrow has it, and refuse everything else.

    A moment is of the day that it names, in whatever time zone.
    """
    # Pydantic would take numbers, of text too, for the seconds since 1970.
    if isinstance(value, str):
        try:
            value = parse_moment(value)
        except ValueError:
            raise PydanticCustomError("date_parsing", "Input should be a date such as 2026-10-01") from None
    if isinstance(value, datetime):
        value = value.date()
    if not isinstance(value, date):
        raise PydanticCustomError("date_type", "Input should be a date such as 2026-10-01")
    if is_future(value):
        raise PydanticCustomError("date_past", "Date should not be in the future")
    return value


def is_future(day: date) -> bool:
    """Return whether no time zone has reached this day yet."""
    return day > datetime.now(UTC).date() + GRACE


def _id(value: Any) -> Any:
    return as_decision_id(value) if isinstance(value, str) else value


def _whole(value: Any) -> Any:
    """Return a float that is a whole number as an integer."""
    return int(value) if type(value) is float and value.is_integer() else value


class DecisionOutcome(BaseModel):
    """The matured outcome of one decision."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, hide_input_in_errors=True)

    decision_id: Annotated[
        str, Field(min_length=1, max_length=64, description="names the decision"), BeforeValidator(_id)
    ]
    defaulted: Annotated[int, Field(ge=0, le=1, description="1: the applicant has defaulted"), BeforeValidator(_whole)]
    observed_on: Annotated[
        date,
        Field(
            description="day on which the outcome was final: a date, or a date and a time, of ISO 8601; neither before "
            "the decision nor in the future, each with a day of grace for time zones"
        ),
        BeforeValidator(_day),
    ]

    @model_validator(mode="before")
    @classmethod
    def _is_not_crowded(cls, value: Any) -> Any:
        # A member more is a rule more that is broken, and a body has room for very many.
        most = 2 * len(cls.model_fields)
        if isinstance(value, dict) and len(value) > most:
            raise PydanticCustomError("too_long", "Outcome should have at most {most} members", {"most": most})
        return value

    def from_source(self, source: str) -> Outcome:
        """Return the outcome as the store records it, with a file's name or a request's id as its source."""
        return Outcome(self.decision_id, self.defaulted, self.observed_on.isoformat(), source)
