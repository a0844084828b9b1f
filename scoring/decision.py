"""PD to decision: score points, risk band, approve or decline."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from scoring.scorecard import PointScale, Scorecard

Variant = Literal["fp32", "int8"]

# Points are linear in the log-odds, which have no end at PD 0 and 1.
LOWEST_PD = 1e-6


class Reason(BaseModel):
    """One principal reason against an application."""

    code: str
    sentence: str
    contribution: float = Field(
        description="what the reason adds to the log-odds of default against an applicant at the cut-off"
    )


class Decision(BaseModel):
    """What is decided of one application."""

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
    """What is decided of one application by a scorecard with a history."""

    thin_file: bool = Field(description="the applicant is unknown: the scorecard's defaults stood for the history")


class Basis(BaseModel):
    """What decisions by one model under one policy have in common; the journal keeps it with them."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    scorecard: str
    model: str
    variant: Variant
    graph_sha256: str
    explain_sha256: str
    columns: tuple[str, ...]
    """What the graph reads: numbers, then text."""
    fields: tuple[str, ...]
    """Columns of an application, in the order in which the journal keeps its values."""
    groups: tuple[str, ...]
    """Codes of the reason groups, in the order of contributions."""
    policy: str
    cutoff: float
    runtime: dict[str, str]
    """Versions of what computed it, and the kind of processor."""


def decision_model(scorecard: Scorecard) -> type[Decision]:
    """What a decision of the scorecard holds."""
    return HistoryDecision if scorecard.history else Decision


def score_points(pd: NDArray[np.floating], scale: PointScale) -> NDArray[np.int64]:
    """Score points of each PD, rounded to whole points.

    points = base_points + double_odds / ln 2 * (ln((1 - PD) / PD) - ln base_odds), with PD held
    between 1e-6 and 1 - 1e-6. Source: see `PointScale`.
    """
    # Not clip, whose wrapper takes longer than both of them on a small batch.
    held = np.minimum(np.maximum(pd.astype(np.float64, copy=False), LOWEST_PD), 1 - LOWEST_PD)
    log_odds = np.log((1 - held) / held)
    points = scale.base_points + scale.double_odds / np.log(2) * (log_odds - np.log(scale.base_odds))
    rounded: NDArray[np.int64] = np.rint(points).astype(np.int64)
    return rounded


@dataclass(frozen=True, slots=True, eq=False)
class Verdicts:
    """What follows from the PDs of one batch, by column."""

    declined: NDArray[np.bool_]
    points: NDArray[np.int64]
    bands: NDArray[np.int64]
    """The place of each row's band among the scorecard's."""


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
    """[groups] for each row whose reasons were computed: every decline, and what asked for them."""
    reasons: list[list[dict[str, Any]]]
    """The members of each row's `Reason`s; none for an approval."""
    thin: NDArray[np.bool_] | None = None
    """[rows], whether nothing was known of the applicant; None for a scorecard without a history."""

    def __len__(self) -> int:
        return len(self.decision_ids)

    def members(self, index: int, *, every_reason: bool = False) -> dict[str, Any]:
        """One row as the members of a `Decision`.

        Every value is made here, and a model of each would cost more than all the rest of it.
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
        """One row as a decision of its own."""
        model = Decision if self.thin is None else HistoryDecision
        members = self.members(index)
        members["reasons"] = [Reason.model_construct(**reason) for reason in members["reasons"]]
        return model.model_construct(**members)


class Judge:
    """Judges PDs by a scorecard's bands and points and by one cut-off."""

    def __init__(self, scorecard: Scorecard, cutoff: float) -> None:
        self._points = scorecard.points
        self._cutoff = cutoff
        self._edges = np.array([band.below for band in scorecard.bands])
        self.bands = [band.name for band in scorecard.bands]

    def judge(self, pd: NDArray[np.float32]) -> Verdicts:
        """What follows from each PD of a [rows] array."""
        # In double precision, or cut-off and edges would be rounded to float32 before the comparison.
        exact = pd.astype(np.float64)
        return Verdicts(
            declined=exact >= self._cutoff,
            points=score_points(exact, self._points),
            bands=self._edges.searchsorted(exact, side="right"),
        )
