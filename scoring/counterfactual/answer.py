"""Define the answer to the search for a counterfactual, as `/explain` gives it."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from scoring.changeable import Direction, Value


class Change(BaseModel):
    """One field of an application, changed."""

    model_config = ConfigDict(serialize_by_alias=True, validate_by_name=True, validate_by_alias=True)

    field: str
    from_: Value = Field(alias="from", description="as it was sent")
    to: Value


class SearchedField(BaseModel):
    """A field of which changes were tried."""

    field: str
    direction: Direction = Field(description="for text, up is towards the last choice")
    minimum: float | None = Field(None, description="of a number")
    maximum: float | None = Field(None, description="of a number")
    step: float | None = Field(None, description="tried are whole numbers of steps above the minimum")
    choices: list[str] | None = Field(None, description="of a text")


class Counterfactual(BaseModel):
    """The smallest change that would have been approved, or that none was found within the bounds."""

    found: bool
    changes: list[Change] = Field(description="to be made together; empty if none was found")
    derived: list[Change] = Field(description="fields that follow from the changes, to be sent with them")
    pd: Annotated[float, Field(ge=0, le=1)] | None = Field(description="probability of default after the changes")
    cutoff: float = Field(description="approved is what has a PD below it")
    searched: list[SearchedField] = Field(description="what could be changed from what was sent, and within what")
    exhaustive: bool = Field(
        description="every combination of steps was tried, up to the number of fields found; else a grid, or nothing"
    )
    nothing_searched: str | None = Field(description="why nothing can be changed; null where something was searched")
    tried: int = Field(description="combinations scored")
