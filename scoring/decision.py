"""PD to decision: score points, risk band, approve or decline."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Literal

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


def score_points(pd: NDArray[np.floating], scale: PointScale) -> NDArray[np.int64]:
    """Score points of each PD, rounded to whole points.

    points = base_points + double_odds / ln 2 * (ln((1 - PD) / PD) - ln base_odds), with PD held
    between 1e-6 and 1 - 1e-6. Source: see `PointScale`.
    """
    held = np.clip(pd.astype(np.float64), LOWEST_PD, 1 - LOWEST_PD)
    log_odds = np.log((1 - held) / held)
    points = scale.base_points + scale.double_odds / np.log(2) * (log_odds - np.log(scale.base_odds))
    return np.rint(points).astype(np.int64)


class Decider:
    """Makes decisions by one scorecard's bands and points, one cut-off and one model."""

    def __init__(self, scorecard: Scorecard, model: str, variant: Variant, cutoff: float) -> None:
        self._scorecard = scorecard
        self._model = model
        self._variant = variant
        self._cutoff = cutoff
        self._edges = np.array([band.below for band in scorecard.bands])
        self._bands = [band.name for band in scorecard.bands]

    def decide(self, pd: NDArray[np.float32]) -> list[Decision]:
        """One decision for each PD of a [rows] array."""
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        points = score_points(pd, self._scorecard.points).tolist()
        bands = np.searchsorted(self._edges, pd, side="right").tolist()
        return [
            # Every value is made here, so validation would only repeat it.
            Decision.model_construct(
                decision_id=str(uuid7()),
                scorecard=self._scorecard.name,
                model=self._model,
                variant=self._variant,
                pd=value,
                prediction=1 if value >= self._cutoff else 0,
                decision="decline" if value >= self._cutoff else "approve",
                cutoff=self._cutoff,
                points=points[row],
                band=self._bands[bands[row]],
                decided_at=now,
            )
            for row, value in enumerate(pd.tolist())
        ]
