"""Parameters of a competition: candidates, folds and gates.

Kept apart from `training.competition`, so that reading `params.yaml` imports no library that fits models.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from training.imbalance import Imbalance
from training.limits import Limit

CalibrationChoice = Literal["auto", "platt", "isotonic"]


class Candidate(BaseModel):
    """One entry of the competition. `search` lists choices per parameter, `imbalance` is as in `training.imbalance`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    family: str
    features: str
    parameters: dict[str, Any] = {}
    search: dict[str, list[Any]] = {}
    imbalance: Imbalance = "none"


class Gates(BaseModel):
    """Limits that a candidate must hold; `training.selection.choose_winner` applies them."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    auc_tolerance: Limit
    expected_calibration_error: Limit
    reasons_microseconds: Limit


class CompetitionParams(BaseModel):
    """Who competes, on which folds, and within which limits."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    seed: int
    folds: Annotated[int, Field(ge=2)]
    protected_fields: bool
    rare_level_rows: Annotated[int, Field(ge=0)] = 500
    """A level of a code with fewer training rows has no weight of its own, unless it has a twentieth of them."""
    calibration: CalibrationChoice = "auto"
    """How log-odds become PDs; `training.calibration.choose`."""
    candidates: Annotated[dict[str, Candidate], Field(min_length=1)]
    gates: Gates
