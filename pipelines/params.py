"""`params.yaml`, checked."""

from __future__ import annotations

from collections.abc import Hashable
from pathlib import Path
from typing import Annotated, Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from scoring.project import PARAMS_FILE
from scoring.scorecard import Scorecard
from training.competition_params import CompetitionParams
from training.errors import StageError
from training.evaluation.variants import VariantLimits
from training.evaluation.verification import PromotionLimits
from training.limits import Limit, Share
from training.monitoring.drift_report import DriftLimits


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Profile(_Strict):
    """How much work training does."""

    search_iterations: Annotated[int, Field(ge=1)]
    bootstrap_resamples: Annotated[int, Field(ge=20)]
    known_revision: bool = False
    """Whether a model of this profile is promoted only if git told what it was made from."""


class Freshness(_Strict):
    """How old a feed may be before `scorebox freshness` calls it stale."""

    max_age_days: Annotated[float, Field(gt=0)] = Field(30, description="of a feed that is no published file")


class PerformanceLimits(_Strict):
    """When realised outcomes say that a model has decayed; see `training.monitoring.performance.judge_performance`."""

    auc_tolerance: Limit = Field(0.03, description="by which the whole interval of the AUC lies below: decay")
    brier_tolerance: Limit = Field(0.01, description="the same for the Brier score, above")
    least_matured: Annotated[int, Field(ge=1)] = Field(200, description="outcomes; of fewer nothing is said")


class Monitoring(_Strict):
    """Limits of what is watched while a model serves."""

    performance: PerformanceLimits = PerformanceLimits()
    drift: DriftLimits = DriftLimits()


class ScorecardParams(CompetitionParams):
    """The knobs of one scorecard."""

    sample_rows: Annotated[int, Field(ge=1_000)] = Field(20_000, description="made up when no source is set")
    freshness: Freshness = Freshness()
    test_share: Share = Field(0.2, description="of the rows")
    quantization_rows: Annotated[int, Field(ge=1)] = Field(
        2_048, description="training rows that show INT8 the ranges of the activations"
    )
    variant_limits: VariantLimits = VariantLimits()
    promotion: PromotionLimits = PromotionLimits()
    monitoring: Monitoring = Monitoring()

    def require_features(self, scorecard: Scorecard) -> None:
        """Check that a scorecard has the feature sets of all its candidates.

        Raises:
            StageError: it lacks one; the message names the candidate.
        """
        for name, candidate in self.candidates.items():
            if candidate.features not in scorecard.features:
                raise StageError(
                    f"candidate {name}: {scorecard.name} has no features {candidate.features!r}; "
                    f"it has: {', '.join(scorecard.features)}"
                )


class Params(_Strict):
    """The whole file."""

    profiles: dict[str, Profile]
    scorecards: dict[str, ScorecardParams]

    def scorecard(self, name: str) -> ScorecardParams:
        """The knobs of that scorecard.

        Raises:
            StageError: the file has none for it.
        """
        if name not in self.scorecards:
            raise StageError(f"{PARAMS_FILE} has no scorecards.{name}")
        return self.scorecards[name]

    def profile(self, name: str) -> Profile:
        """The profile of that name.

        Raises:
            StageError: there is none; the message lists those there are.
        """
        if name not in self.profiles:
            raise StageError(f"there is no profile {name!r}; {PARAMS_FILE} has: {', '.join(self.profiles)}")
        return self.profiles[name]


class _Single(yaml.SafeLoader):
    """Refuses a name that a mapping gives twice, of which YAML's own would keep the last."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        given: set[str] = set()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode) or key.tag == "tag:yaml.org,2002:merge":
                continue
            if key.value in given:
                raise yaml.constructor.ConstructorError(None, None, f"{key.value!r} is given twice", key.start_mark)
            given.add(key.value)
        return super().construct_mapping(node, deep)


def read_params(path: Path = PARAMS_FILE) -> Params:
    """The checked parameters.

    Raises:
        StageError: the file is missing, not YAML, or has a wrong name or value.
    """
    try:
        return Params.model_validate(yaml.load(path.read_text(), _Single))  # noqa: S506 - a safe loader
    except FileNotFoundError:
        raise StageError(f"{path} is missing; run from the project's folder") from None
    except yaml.YAMLError as error:
        raise StageError(f"{path} is not YAML: {' '.join(str(error).split())}") from None
    except ValidationError as error:
        problems = "; ".join(
            f"{'.'.join(map(str, item['loc']))}: {item['msg'].removeprefix('Value error, ')}" for item in error.errors()
        )
        raise StageError(f"{path}: {problems}") from None
