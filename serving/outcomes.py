"""Matured outcomes of decisions, as they come over HTTP."""

from __future__ import annotations

from collections import Counter
from http import HTTPStatus
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, create_model

from scoring.journal.writer import Journal
from scoring.members import Members, colons, is_no_json, read_members, repeated, require_single
from scoring.outcomes.contract import DecisionOutcome
from scoring.outcomes.store import Outcomes, OutcomeStatus
from serving.problems import ProblemError


class OutcomeBatch(BaseModel):
    """Outcomes that are recorded together."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    outcomes: list[DecisionOutcome]

    @classmethod
    def model_validate_json(cls, json_data: str | bytes | bytearray, **options: Any) -> Self:
        """Read outcomes from JSON.

        Raises:
            ValidationError: one breaks a rule, or gives a field twice.
        """
        try:
            batch: Self = cls.__pydantic_validator__.validate_json(json_data, **options)
        except ValidationError as error:
            if not is_no_json(error):
                cls._require_single(json_data)
            raise
        if colons(json_data) != 1 + sum(len(outcome.__pydantic_fields_set__) for outcome in batch.outcomes):
            cls._require_single(json_data)
        return batch

    @classmethod
    def _require_single(cls, json_data: str | bytes | bytearray) -> None:
        members = read_members(json_data)
        errors = repeated(members)
        for index, row in enumerate(members.values_of("outcomes") if isinstance(members, Members) else []):
            errors += [error.model_copy(update={"field": f"outcomes.{index}.{error.field}"}) for error in repeated(row)]
        require_single(cls.__name__, errors)


class OutcomeResult(BaseModel):
    """Why an outcome was not recorded."""

    index: int = Field(description="in the request, from 0")
    decision_id: str
    result: OutcomeStatus = Field(
        description="repeated: the same label is recorded; conflicting: another label is recorded and stays, this one "
        "is kept aside; unknown: the journal has no such decision, the outcome is kept until it has; early: observed "
        "more than a day before the decision was made, kept aside"
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
    statuses = Outcomes(journal.folder).record([item.from_source(f"request {request_id}") for item in batch.outcomes])
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
