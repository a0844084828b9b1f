"""Which challenger meets the champion, with what share, and within which bounds: a file next to the release."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from scoring.errors import field_errors
from scoring.files import write_atomically
from scoring.members import read_members, repeated_throughout, require_single
from scoring.models import ModelStoreError, Release

Share = Annotated[float, Field(ge=0, le=1)]


class Bounds(BaseModel):
    """Bounds that a challenger that decides must hold; `scoring.challenger.guard` takes off what chance explains."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    window: Annotated[int, Field(ge=200, le=100_000, description="last decisions of both that are compared")] = 5_000
    error_share: Annotated[Share, Field(description="of its requests that it fails or leaves waiting")] = 0.02
    latency_ratio: Annotated[float, Field(gt=0, description="its 95th percentile over the champion's")] = 5.0
    score_psi: Annotated[float, Field(gt=0, description="of its PDs against the champion's")] = 0.25
    approval_shift: Annotated[Share, Field(description="its approval rate less the champion's, either way")] = 0.1


class Challenge(BaseModel):
    """A challenger of one scorecard.

    `id` names this run of it: a challenger that was taken back stays so until it is sent again under another id.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str
    release: Release
    share: Annotated[float, Field(ge=0, le=0.5, description="of applicants that it decides; 0 for a shadow")]
    """At most half: without the champion's decisions next to its own nothing could be compared."""
    bounds: Bounds = Bounds()
    made_at: str

    @model_validator(mode="after")
    def _serves_what_it_has(self) -> Challenge:
        if self.release.serving not in self.release.tags:
            raise ValueError(f"release {self.release.version} has no {self.release.serving}")
        return self

    @property
    def model(self) -> str:
        """The exact tag of the challenger in the model store."""
        return self.release.tags[self.release.serving]

    def write(self, path: Path) -> None:
        """Write the challenge next to `path`, then rename it there."""
        write_atomically(path, self.model_dump_json(indent=2) + "\n")

    @classmethod
    def read(cls, path: Path, scorecard: str) -> Challenge | None:
        """Return the challenge in the file; None if there is no file.

        Raises:
            ModelStoreError: it is not a challenge, or another scorecard's.
        """
        try:
            challenge = cls.model_validate_json(body := path.read_bytes())
            require_single(cls.__name__, repeated_throughout(read_members(body)))
        except FileNotFoundError:
            return None
        except ValidationError as error:
            broken = "; ".join(f"{item.field}: {item.message}" for item in field_errors(error))
            raise ModelStoreError(
                f"{path} is not a challenge: {broken}; run: scorebox challenge {scorecard} --end"
            ) from None
        if challenge.release.scorecard != scorecard:
            raise ModelStoreError(f"{path} is a challenge of {challenge.release.scorecard}, not of {scorecard}")
        return challenge


def place(scorecard: str, applicant: bytes) -> float:
    """Return where an applicant stands between 0 and 1: always at the same place of one scorecard, evenly spread."""
    digest = hashlib.blake2b(applicant, digest_size=8, key=scorecard.encode()[:64]).digest()
    return int.from_bytes(digest) / 2**64
