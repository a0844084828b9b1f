"""The models of requests and answers, other than one application and its decision."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Literal

from pydantic import BaseModel, Field, create_model

from scoring.counterfactual.answer import Counterfactual
from scoring.decision import BatchSlice, Decision, Variant
from scoring.errors import RowError
from scoring.models import DataRecord
from serving.settings import Settings

# An application is below 1 KiB; a far larger body is none, and naming its errors costs time.
MAX_APPLICATION_BYTES = 16 << 10


class BatchDecisions(BaseModel):
    """The answer to a batch: one entry per application, in the order they were sent."""

    decisions: list[Decision | None] = Field(description="null where the application breaks its contract")
    errors: list[RowError] = Field(
        description="why, for the applications without a decision, at most 25 reasons for each; "
        "for an Arrow body the first 1,000 applications"
    )
    broken: int = Field(0, description="how many applications have no decision; `errors` may name fewer of them")


def batch_decisions_model(decision: type[Decision]) -> type[BatchDecisions]:
    """Return the model of the answer to a batch, with decisions of this kind."""
    if decision is Decision:
        return BatchDecisions
    field = BatchDecisions.model_fields["decisions"]
    name = f"Batch{decision.__name__}s"
    return create_model(name, __base__=BatchDecisions, decisions=(list[decision | None], field))  # type: ignore[valid-type]


def batch_decisions(
    count: int,
    slices: Sequence[BatchSlice],
    positions: Iterable[int],
    errors: Sequence[RowError],
    *,
    every_reason: bool,
) -> dict[str, Any]:
    """Return the members of a `BatchDecisions`.

    Args:
        count: applications in the batch.
        slices: the decisions of the good ones.
        positions: where those stand in the batch.
        errors: of the others.
        every_reason: whether the contribution of every group is asked for.
    """
    positions = list(positions)
    decisions: list[dict[str, Any] | None] = [None] * count
    decided = (
        part.members(row, every_reason=every_reason) for part, start, stop in slices for row in range(start, stop)
    )
    for position, decision in zip(positions, decided, strict=True):
        decisions[position] = decision
    return {"decisions": decisions, "errors": errors, "broken": count - len(positions)}


class Health(BaseModel):
    """The service takes requests."""

    status: Literal["ready"]
    scorecard: str
    model: str
    variant: Variant


class BandInfo(BaseModel):
    """A risk band: PD from the band before up to, not including, `below`."""

    name: str
    below: float


class Limits(BaseModel):
    """The limits of one request."""

    application_bytes: int
    batch_bytes: int
    batch_rows: int
    arrow_bytes: int
    arrow_rows: int
    request_timeout_seconds: float

    @classmethod
    def of(cls, settings: Settings) -> Limits:
        """Return the limits that the settings give."""
        return cls(
            application_bytes=min(MAX_APPLICATION_BYTES, settings.max_body_bytes),
            batch_bytes=settings.max_body_bytes,
            batch_rows=settings.max_batch_rows,
            arrow_bytes=settings.max_arrow_bytes,
            arrow_rows=settings.max_arrow_rows,
            request_timeout_seconds=settings.request_timeout,
        )


class ReferenceInfo(BaseModel):
    """A made-up applicant, typical of those just below the cut-off."""

    pd: float
    values: dict[str, float | str | None] = Field(description="by column; null where one is missing")


class ChallengerInfo(BaseModel):
    """The challenger: it shadows the champion, or decides for a share of applicants."""

    id: str = Field(description="names this run of the challenger")
    model: str = Field(description="exact tag in the model store")
    share: float = Field(description="of applicants that it is to decide; 0 for a shadow")
    withdrawn: bool = Field(description="the guard has taken its share back")


class Reloaded(BaseModel):
    """The models and the policy that decide after a reload."""

    changed: bool
    model: str
    policy: str
    challenger: str | None
    challenge: str | None = Field(description="the id of the challenger's run")


class GroupContribution(BaseModel):
    """The contribution of one reason group to the log-odds of default."""

    code: str
    statement: str | None = Field(description="what is true to say where it speaks for a default; null for nothing")
    sentence: str
    contribution: float


class Explanation(BaseModel):
    """The reasons for the decision that an application would get, and what would change it. Nothing is kept."""

    scorecard: str
    model: str
    policy: str
    pd: float = Field(description="probability of default")
    points: int = Field(description="score points: more is better")
    band: str = Field(description="risk band")
    decision: Literal["approve", "decline"] = Field(description="what a decision would say now")
    cutoff: float
    log_odds: float = Field(description="of default, as contributions add up to it")
    reference_log_odds: float = Field(description="the same of the applicant at the cut-off")
    reference: ReferenceInfo
    contributions: list[GroupContribution] = Field(description="of every reason group; the largest first")
    counterfactual: Counterfactual | None = Field(
        description="the smallest change that would have been approved; null for an application that would be approved"
    )


class HistoryInfo(BaseModel):
    """The history store that the service reads."""

    clients: int
    snapshot_sha256: str = Field(description="of the data that it was computed from; the model's are in `data`")
    created_at: str = Field(description="UTC, ISO 8601")


class ModelInfo(BaseModel):
    """The model that serves: its bytes, its training data, its policy."""

    scorecard: str
    title: str
    model: str = Field(description="exact tag in the model store")
    version: str
    variant: Variant
    available_variants: dict[Variant, str] = Field(description="tags of this release by variant")
    family: str
    graph_sha256: str
    columns: list[str] = Field(description="the columns that the graph reads")
    policy: str = Field(description="id of the cut-off policy that decides")
    cutoff: float = Field(description="applications with this PD or more are declined")
    reference: ReferenceInfo = Field(description="the applicant at the cut-off against whom reasons are measured")
    journal: Literal["full", "normal", "off"] = Field(description="how decisions are kept")
    challenger: ChallengerInfo | None = Field(description="null without one")
    bands: list[BandInfo]
    metrics: dict[str, float]
    data: DataRecord
    data_label: Literal["published data", "own data, unverified", "SAMPLE DATA"]
    history: HistoryInfo | None = Field(description="null for a scorecard without a history")
    git_revision: str
    mlflow_run_id: str
    libraries: dict[str, str]
    limits: Limits
