"""A version in the registry: its tags, read here and nowhere else, and the release that makes it serve."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from mlflow.entities.model_registry import ModelVersion
from pydantic import BaseModel, ConfigDict, ValidationError

from scoring import models
from scoring.decision import Variant
from scoring.models import Release
from training.errors import StageError


class VersionTags(BaseModel):
    """The tags of a version that `push` registered; those without a default tell it from one that it did not."""

    model_config = ConfigDict(frozen=True, extra="allow")

    scorecard: str
    store_version: str
    serving: Variant
    data: str
    data_sha256: str
    store_tag_fp32: str
    store_tag_int8: str | None = None
    graph_sha256_fp32: str | None = None
    graph_sha256_int8: str | None = None
    explain_sha256_fp32: str | None = None
    explain_sha256_int8: str | None = None
    family: str | None = None
    candidate: str | None = None
    cutoff: float | None = None
    git_revision: str | None = None
    profile: str | None = None
    train_rows_sha256: str | None = None
    test_rows_sha256: str | None = None
    test_auc: float | None = None
    test_brier: float | None = None
    verification: str | None = None
    promotion: str | None = None


@dataclass(frozen=True)
class Registered:
    """One version that `push` registered."""

    number: int
    tags: VersionTags

    @property
    def release(self) -> Release:
        """The release that makes it serve, by exact tags of the model store."""
        store_tags: dict[Variant, str] = {"fp32": self.tags.store_tag_fp32}
        if self.tags.store_tag_int8 is not None:
            store_tags["int8"] = self.tags.store_tag_int8
        return Release(
            scorecard=self.tags.scorecard,
            version=self.tags.store_version,
            serving=self.tags.serving,
            tags=store_tags,
            registry_version=str(self.number),
        )

    def missing_from_store(self) -> list[str]:
        """Return the tags whose bytes the model store does not hold as they are registered."""
        hashes = {
            "fp32": (self.tags.graph_sha256_fp32, self.tags.explain_sha256_fp32),
            "int8": (self.tags.graph_sha256_int8, self.tags.explain_sha256_int8),
        }
        return [
            tag
            for variant, tag in self.release.tags.items()
            if None in hashes[variant] or not models.holds(tag, *map(str, hashes[variant]))
        ]

    def require(self, tag: Literal["test_rows_sha256", "verification"]) -> str:
        """Return a tag that a judgement needs.

        Raises:
            StageError: the version does not have it.
        """
        value: str | None = getattr(self.tags, tag)
        if value is None:
            raise StageError(
                f"version {self.number} of {self.tags.scorecard} has no tag {tag} in the registry; where it was "
                f"trained, run: scorebox push {self.tags.scorecard}"
            )
        return value


def read_version(found: ModelVersion, scorecard: str) -> Registered | None:
    """Return a version of MLflow's; None for a foreign one, whose tags are not those of this scorecard's models."""
    try:
        tags = VersionTags.model_validate(dict(found.tags))
    except ValidationError:
        return None
    if tags.scorecard != scorecard or (tags.serving == "int8" and tags.store_tag_int8 is None):
        return None
    return Registered(int(found.version), tags)
