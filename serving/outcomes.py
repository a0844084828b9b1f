"""Matured outcomes of decisions, as they come over HTTP."""

from __future__ import annotations

import re
from collections import Counter
from datetime import date
from http import HTTPStatus
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, create_model, model_validator
from pydantic_core import PydanticCustomError

from scoring.journal.writer import Journal
from scoring.outcomes.store import Outcome, Outcomes, OutcomeStatus
from serving.problems import ProblemError

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")


def _checked_date(value: Any) -> str:
    # Pydantic would take numbers, of text too, for the seconds since 1970.
    if not isinstance(value, str) or not _DATE.fullmatch(value):
        raise PydanticCustomError("date_type", "Input should be a date such as 2026-10-01")
    return value


class DecisionOutcome(BaseModel):
    """The matured outcome of one decision."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, hide_input_in_errors=True)

    decision_id: Annotated[str, Field(min_length=1, max_length=64, description="names the decision")]
    defaulted: Annotated[int, Field(ge=0, le=1, description="1: the applicant has defaulted")]
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


class OutcomeBatch(BaseModel):
    """Outcomes that are recorded together."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    outcomes: list[DecisionOutcome]


class OutcomeResult(BaseModel):
    """Why an outcome was not recorded."""

    index: int = Field(description="in the request, from 0")
    decision_id: str
    result: OutcomeStatus = Field(
        description="repeated: the same label is recorded; conflicting: another label is recorded and stays, this one "
        "is kept aside; unknown: the journal has no such decision, the outcome is kept until it has; early: observed "
        "before the decision was made, kept aside"
    )


class OutcomesTaken(BaseModel):
    """The number of outcomes recorded, and why the others were not."""

    recorded: int
    repeated: int
    conflicting: int
    unknown: int
    early: int
    rows: list[OutcomeResult] = Field(description="those that were not recorded")


def outcome_batch_model(most_rows: int) -> type[OutcomeBatch]:
    """Return the model of a body with at most `most_rows` outcomes."""
    rows = Field(min_length=1, max_length=most_rows, description=f"1 to {most_rows} outcomes")
    return create_model("Outcomes", __base__=OutcomeBatch, outcomes=(list[DecisionOutcome], rows))


def record_outcomes(journal: Journal | None, batch: OutcomeBatch, request_id: str) -> OutcomesTaken:
    """Record the outcomes of one request in the journal.

    Raises:
        ProblemError: the journal is off.
        JournalUnavailableError: the disk is full, or fails.
        JournalError: the journal or its outcomes cannot be read.
    """
    if journal is None:
        detail = "the journal is off, so there are no decisions that outcomes could be of"
        raise ProblemError(HTTPStatus.SERVICE_UNAVAILABLE, detail)
    statuses = Outcomes(journal.folder).record(
        [
            Outcome(item.decision_id, item.defaulted, item.observed_on.isoformat(), f"request {request_id}")
            for item in batch.outcomes
        ]
    )
    counts = Counter(statuses)
    return OutcomesTaken(
        recorded=counts["recorded"],
        repeated=counts["repeated"],
        conflicting=counts["conflicting"],
        unknown=counts["unknown"],
        early=counts["early"],
        rows=[
            OutcomeResult(index=index, decision_id=item.decision_id, result=status)
            for index, (item, status) in enumerate(zip(batch.outcomes, statuses, strict=True))
            if status != "recorded"
        ],
    )
