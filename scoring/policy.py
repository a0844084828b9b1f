"""The cut-off that decides, versioned apart from the model.

A model's record keeps the cut-off that its figures were measured at. What decides is a policy: the file
`releases/<scorecard>.policy.json` where there is one, else the scorecard's own cut-off. Every decision
carries the policy's id, which is a hash of all that the policy says but the time it was made.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError
from pydantic_core import from_json

from scoring.errors import field_errors
from scoring.expected import ExpectedError
from scoring.files import write_atomically
from scoring.members import read_members, repeated_throughout, require_single
from scoring.moment import now_to_the_second
from scoring.scorecard import Scorecard

ID_DIGITS = 12
OWN_REASON = "The scorecard's own cut-off."

Share = Annotated[float, Field(ge=0, le=1)]
Sentence = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500)]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class PolicyError(ExpectedError):
    """A policy's file is not what it should be; the message says why and what to do."""


class _Part(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, allow_inf_nan=False, hide_input_in_errors=True)


class Assumptions(_Part):
    """Earnings and losses by an approval, for each unit of exposure, and the fraction that must be approved."""

    loss_given_default: Annotated[float, Field(gt=0, le=1, description="lost by an approved application that defaults")]
    margin: Annotated[float, Field(gt=0, le=1, description="earned by an approved application that does not")]
    lowest_approval_rate: Share = 0.0

    @property
    def break_even(self) -> float:
        """The PD at which an approval is expected to earn nothing: margin / (margin + loss given default).

        C. Elkan, The foundations of cost-sensitive learning (IJCAI 2001).
        """
        # Rounded, or 0.15 and 0.6 would give 0.19999999999999998; PDs have seven digits.
        return round(self.margin / (self.margin + self.loss_given_default), 12)


class StatedBasis(_Part):
    """A cut-off that was not searched for: the scorecard's own, or one set by hand."""

    kind: Literal["scorecard", "hand"]
    reason: Sentence


class SearchBasis(_Part):
    """A cut-off of the highest expected profit: the assumptions, and whose PDs of which rows it was found on."""

    kind: Literal["search"] = "search"
    assumptions: Assumptions
    model: str
    """Exact tag in the model store."""
    graph_sha256: Sha256
    data_sha256: Sha256
    """The hash of the snapshot that the rows were split from, as in the model's record."""
    rows_sha256: Sha256
    """The hash of the file of rows."""
    rows: Annotated[int, Field(gt=0)]
    expected_profit: float
    """For each application, approved or not, in units of exposure."""
    approval_rate: Share
    expected_bad_rate: Share
    """Mean PD of those approved."""


class CutoffPolicy(_Part):
    """Which applications of one scorecard are declined, and why there."""

    scorecard: Annotated[str, Field(min_length=1)]
    cutoff: Annotated[float, Field(gt=0, lt=1)]
    """Applications with this PD or more are declined."""
    basis: Annotated[StatedBasis | SearchBasis, Field(discriminator="kind")]
    made_at: str
    """UTC, ISO 8601."""

    @property
    def id(self) -> str:
        """`<scorecard>-<12 hexadecimal digits>`: the same policy has the same id, whenever it was made."""
        content = json.dumps(
            self.model_dump(mode="json", exclude={"made_at"}), sort_keys=True, separators=(",", ":"), allow_nan=False
        )
        return f"{self.scorecard}-{hashlib.sha256(content.encode()).hexdigest()[:ID_DIGITS]}"

    @classmethod
    def of(cls, scorecard: Scorecard) -> CutoffPolicy:
        """Return the scorecard's own cut-off as a policy."""
        basis = StatedBasis(kind="scorecard", reason=OWN_REASON)
        return cls(scorecard=scorecard.name, cutoff=scorecard.cutoff, basis=basis, made_at=now_to_the_second())

    @classmethod
    def in_force(cls, scorecard: Scorecard, path: Path) -> CutoffPolicy:
        """Return the policy in the file if there is one, else the scorecard's own.

        Raises:
            PolicyError: there is a file that does not hold a policy of this scorecard.
        """
        return cls.read(path, scorecard) if path.exists() else cls.of(scorecard)

    @classmethod
    def read(cls, path: Path, scorecard: Scorecard) -> CutoffPolicy:
        """Return the policy in the file.

        Raises:
            PolicyError: there is no such file, it is no policy, it is another scorecard's, or the id in it
                is not that of its content.
        """
        repair = f"run: scorebox cutoff {scorecard.name}"
        try:
            content = from_json(body := path.read_bytes())
        except FileNotFoundError:
            raise PolicyError(f"there is no policy at {path}; {repair} --write") from None
        except (OSError, ValueError) as error:
            raise PolicyError(f"{path} is not a policy: {error}; {repair} --reset") from None
        if not isinstance(content, dict) or not isinstance(recorded := content.pop("id", None), str):
            raise PolicyError(f"{path} is not a policy: it has no id; {repair} --reset")
        try:
            require_single(cls.__name__, repeated_throughout(read_members(body)))
            policy = cls.model_validate(content)
        except ValidationError as error:
            broken = "; ".join(f"{item.field}: {item.message}" for item in field_errors(error))
            raise PolicyError(f"{path} is not a policy: {broken}; {repair} --reset") from None
        if policy.scorecard != scorecard.name:
            raise PolicyError(f"{path} is a policy of {policy.scorecard}, not of {scorecard.name}; {repair} --reset")
        if policy.id != recorded:
            raise PolicyError(f"{path} was changed: its id is {recorded}, its content's {policy.id}; {repair} --reset")
        return policy

    def write(self, path: Path) -> None:
        """Write the policy and its id, whole or not at all."""
        write_atomically(path, json.dumps({"id": self.id, **self.model_dump(mode="json")}, indent=2) + "\n")
