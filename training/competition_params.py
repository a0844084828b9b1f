"""Parameters of a competition: candidates, folds and gates.

Kept apart from `training.competition`, so that reading `params.yaml` imports no library that fits models.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from training.families.parameters import PARAMETERS, broken_parameters
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

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.family not in PARAMETERS:
            raise ValueError(f"no family {self.family!r}; there are: {', '.join(PARAMETERS)}")
        if broken := broken_parameters(self.family, self.parameters, self.search):
            raise ValueError("; ".join(broken))
        return self


class Gates(BaseModel):
    """Limits that a candidate must hold; `training.selection.choose_winner` applies them."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    auc_tolerance: Limit = Field(0.01, description="share of the best AUC that a candidate may lack")
    expected_calibration_error: Limit = Field(0.05, description="of the calibrated out-of-fold PDs")
    reasons_microseconds: Limit = Field(2_000, description="standard ones, of the exact reasons for one application")


class CompetitionParams(BaseModel):
    """Who competes, on which folds, and within which limits."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    candidates: Annotated[dict[str, Candidate], Field(min_length=1)] = Field(description="who competes, by name")
    seed: int = Field(42, description="of splits, fits, searches and resamples")
    folds: Annotated[int, Field(ge=2)] = Field(5, description="of the training rows")
    protected_fields: bool = Field(False, description="true lets the protected columns into every candidate")
    rare_level_rows: Annotated[int, Field(ge=0)] = Field(
        500, description="training rows that a level of a code needs for a weight of its own, or a twentieth of them"
    )
    calibration: CalibrationChoice = Field("auto", description="`auto`, `platt` or `isotonic`")
    gates: Gates = Gates()
