"""Types of the numbers that `params.yaml` sets."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

Limit = Annotated[float, Field(ge=0)]
Share = Annotated[float, Field(gt=0, lt=1)]
"""A fraction, neither nothing nor all."""
