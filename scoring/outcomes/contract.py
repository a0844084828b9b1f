"""Define the rules of an outcome, the same for requests and for files.

Requests are held to the model as it is. The cells of a file are text, or Arrow's own types, so a file's rows are
validated with `strict=False`.
"""

from __future__ import annotations

import re
from datetime import date, datetime
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from scoring.outcomes.store import Outcome

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")


def _checked_date(value: Any) -> Any:
    """Return a date, or text of the form of one, and refuse everything else; a moment is of its day."""
    if isinstance(value, datetime):
        return value.date()
    # Pydantic would take numbers, of text too, for the seconds since 1970.
    if isinstance(value, date) or (isinstance(value, str) and _DATE.fullmatch(value)):
        return value
    raise PydanticCustomError("date_type", "Input should be a date such as 2026-10-01")


def _whole(value: Any) -> Any:
    """Return a float that is a whole number as an integer."""
    return int(value) if type(value) is float and value.is_integer() else value


class DecisionOutcome(BaseModel):
    """The matured outcome of one decision."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, hide_input_in_errors=True)

    decision_id: Annotated[str, Field(min_length=1, max_length=64, description="names the decision")]
    defaulted: Annotated[int, Field(ge=0, le=1, description="1: the applicant has defaulted"), BeforeValidator(_whole)]
    observed_on: Annotated[
        date,
        # Strict, pydantic takes text for a date only straight from JSON, not after the check below.
        Field(strict=False, description="day on which the outcome was final; not before the decision"),
        BeforeValidator(_checked_date),
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
