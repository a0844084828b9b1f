"""Hold decisions: of a batch by column, and of one application as the answer and the journal have it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from scoring.scorecard import Scorecard

Variant = Literal["fp32", "int8"]


class Reason(BaseModel):
    """One principal reason against an application."""

    code: str
    statement: str | None = Field(
        description="what it says, by a code such as TOO_HIGH; null for a sentence that claims nothing"
    )
    sentence: str
    contribution: float = Field(
        description="what the reason adds to the log-odds of default against an applicant at the cut-off"
    )


class Decision(BaseModel):
    """The decision of one application."""

    decision_id: str = Field(description="UUIDv7 of this decision")
    scorecard: str
    model: str = Field(description="exact tag of the model in the store")
    variant: Variant
    pd: Annotated[float, Field(ge=0, le=1, description="probability of default")]
    prediction: Literal[0, 1] = Field(description="1: default expected, PD at or above the cut-off")
    decision: Literal["approve", "decline"]
    policy: str = Field(description="id of the cut-off policy")
    cutoff: float = Field(description="applications with this PD or more are declined")
    points: int = Field(description="score points: more is better")
    band: str = Field(description="risk band")
    decided_at: str = Field(description="UTC, ISO 8601")
    reasons: list[Reason] = Field(description="up to four principal reasons for a decline, the first weighs most")
    contributions: dict[str, float] | None = Field(
        None,
        description="by ?reasons=all: the contribution of every reason group to the log-odds",
        exclude_if=lambda contributions: contributions is None,
    )


class HistoryDecision(Decision):
    """The decision of one application by a scorecard with a history."""

    thin_file: bool = Field(description="the applicant is unknown: the scorecard's defaults stood for the history")


class Basis(BaseModel):
    """All that decisions by one model under one policy have in common; the journal keeps it with them."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    scorecard: str
    model: str
    variant: Variant
    graph_sha256: str
    explain_sha256: str
    columns: tuple[str, ...]
    """The columns that the graph reads: numbers, then text."""
    fields: tuple[str, ...]
    """Columns of an application, in the order in which the journal keeps its values."""
    groups: tuple[str, ...]
    """Codes of the reason groups, in the order of contributions."""
    policy: str
    cutoff: float
    runtime: dict[str, str]
    """Versions of the libraries that computed it, and the kind of processor."""


def decision_model(scorecard: Scorecard) -> type[Decision]:
    """Return the model of the scorecard's decisions."""
    return HistoryDecision if scorecard.history else Decision


@dataclass(frozen=True, slots=True, eq=False)
class Decisions:
    """The decisions of one batch, by column."""

    basis: Basis
    decided_at: str
    decision_ids: list[str]
    """UUIDv7 of that moment, by which the journal finds them."""
    pd: NDArray[np.float32]
    declined: NDArray[np.bool_]
    points: NDArray[np.int64]
    bands: list[str]
    contributions: list[NDArray[np.float32] | None]
    """[groups] log-odds for each row whose reasons were computed: every decline, and whoever asked for them."""
    reasons: list[list[dict[str, Any]]]
    """The members of each row's `Reason`s; none for an approval."""
    thin: NDArray[np.bool_] | None = None
    """[rows], whether nothing was known of the applicant; None for a scorecard without a history."""

    def __len__(self) -> int:
        return len(self.decision_ids)

    def members(self, index: int, *, every_reason: bool = False) -> dict[str, Any]:
        """Return one row as the members of a `Decision`.

        Every value is made here; to validate them by a model would cost more than all the rest.
        """
        declined = bool(self.declined[index])
        basis = self.basis
        members = {
            "decision_id": self.decision_ids[index],
            "scorecard": basis.scorecard,
            "model": basis.model,
            "variant": basis.variant,
            "pd": float(self.pd[index]),
            "prediction": 1 if declined else 0,
            "decision": "decline" if declined else "approve",
            "policy": basis.policy,
            "cutoff": basis.cutoff,
            "points": int(self.points[index]),
            "band": self.bands[index],
            "decided_at": self.decided_at,
            "reasons": self.reasons[index],
        }
        contributions = self.contributions[index]
        if every_reason and contributions is not None:
            members["contributions"] = dict(zip(basis.groups, contributions.tolist(), strict=True))
        if self.thin is not None:
            members["thin_file"] = bool(self.thin[index])
        return members

    def row(self, index: int) -> Decision:
        """Return one row as a decision of its own."""
        model = Decision if self.thin is None else HistoryDecision
        members = self.members(index)
        members["reasons"] = [Reason.model_construct(**reason) for reason in members["reasons"]]
        return model.model_construct(**members)


BatchSlice: TypeAlias = tuple[Decisions, int, int]
"""One caller's part of a batch: the batch's decisions, its first row, and the row after its last."""
