"""PD to decision: score points, risk band, approve or decline."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, Field
from uuid_utils import uuid7

from scoring.scorecard import PointScale, Scorecard

Variant = Literal["fp32", "int8"]

# Points are linear in the log-odds, which have no end at PD 0 and 1.
LOWEST_PD = 1e-6


class Decision(BaseModel):
    """What is decided of one application."""

    decision_id: str = Field(description="UUIDv7 of this decision")
    scorecard: str
    model: str = Field(description="exact tag of the model in the store")
    variant: Variant
    pd: Annotated[float, Field(ge=0, le=1, description="probability of default")]
    prediction: Literal[0, 1] = Field(description="1: default expected, PD at or above the cut-off")
    decision: Literal["approve", "decline"]
    cutoff: float = Field(description="applications with this PD or more are declined")
    points: int = Field(description="score points: more is better")
    band: str = Field(description="risk band")
    decided_at: str = Field(description="UTC, ISO 8601")


class HistoryDecision(Decision):
    """What is decided of one application by a scorecard with a history."""

    thin_file: bool = Field(description="the applicant is unknown: the scorecard's defaults stood for the history")


def decision_model(scorecard: Scorecard) -> type[Decision]:
    """What a decision of the scorecard holds."""
    return HistoryDecision if scorecard.history else Decision


def score_points(pd: NDArray[np.floating], scale: PointScale) -> NDArray[np.int64]:
    """Score points of each PD, rounded to whole points.

    points = base_points + double_odds / ln 2 * (ln((1 - PD) / PD) - ln base_odds), with PD held
    between 1e-6 and 1 - 1e-6. Source: see `PointScale`.
    """
    held = np.clip(pd.astype(np.float64), LOWEST_PD, 1 - LOWEST_PD)
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
    """The decisions of one batch, by column; what all rows have in common is kept once."""

    scorecard: str
    model: str
    variant: Variant
    cutoff: float
    decided_at: str
    decision_ids: list[str]
    pd: NDArray[np.float32]
    declined: NDArray[np.bool_]
    points: NDArray[np.int64]
    bands: list[str]
    thin: NDArray[np.bool_] | None = None
    """[rows], whether nothing was known of the applicant; None for a scorecard without a history."""

    def __len__(self) -> int:
        return len(self.decision_ids)

    def members(self, index: int) -> dict[str, Any]:
        """One row as the members of a `Decision`.

        Every value is made here, and a model of each would cost more than all the rest of it.
        """
        declined = bool(self.declined[index])
        members = {
            "decision_id": self.decision_ids[index],
            "scorecard": self.scorecard,
            "model": self.model,
            "variant": self.variant,
            "pd": float(self.pd[index]),
            "prediction": 1 if declined else 0,
            "decision": "decline" if declined else "approve",
            "cutoff": self.cutoff,
            "points": int(self.points[index]),
            "band": self.bands[index],
            "decided_at": self.decided_at,
        }
        if self.thin is not None:
            members["thin_file"] = bool(self.thin[index])
        return members

    def row(self, index: int) -> Decision:
        """One row as a decision of its own."""
        model = Decision if self.thin is None else HistoryDecision
        return model.model_construct(**self.members(index))


class Decider:
    """Makes decisions by one scorecard's bands and points, one cut-off and one model."""

    def __init__(self, scorecard: Scorecard, model: str, variant: Variant, cutoff: float) -> None:
        self._scorecard = scorecard
        self._model = model
        self._variant = variant
        self._cutoff = cutoff
        self._edges = np.array([band.below for band in scorecard.bands])
        self._bands = [band.name for band in scorecard.bands]

    def judge(self, pd: NDArray[np.float32]) -> Verdicts:
        """The verdict on each PD of a [rows] array, for tables that need no decision ids."""
        # As float64, or the cut-off would be rounded to float32 before the comparison.
        exact = pd.astype(np.float64)
        return Verdicts(
            declined=exact >= self._cutoff,
            points=score_points(exact, self._scorecard.points),
            bands=np.searchsorted(self._edges, exact, side="right"),
        )

    def decide(self, pd: NDArray[np.float32], known: NDArray[np.bool_] | None = None) -> Decisions:
        """One decision for each PD of a [rows] array; `known` as in `Inputs`."""
        verdicts = self.judge(pd)
        return Decisions(
            scorecard=self._scorecard.name,
            model=self._model,
            variant=self._variant,
            cutoff=self._cutoff,
            decided_at=datetime.now(UTC).isoformat(timespec="milliseconds"),
            decision_ids=[str(uuid7()) for _ in range(len(pd))],
            pd=pd,
            declined=verdicts.declined,
            points=verdicts.points,
            bands=[self._bands[band] for band in verdicts.bands.tolist()],
            thin=None if known is None else ~known,
        )
