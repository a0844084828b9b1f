"""How many users there are at each moment of a run."""

from __future__ import annotations

from enum import StrEnum

RAMP_SHARE = 0.5
"""Share of a ramp in which users are added; the rest holds the peak."""
SPIKE_BASE = 0.25
"""Users outside the spike, as a share of the peak."""
SPIKE_FROM, SPIKE_TO = 0.35, 0.65
"""Where in the run the spike begins and ends."""
SOAK_SHARE = 0.5
"""Users of a soak, as a share of the peak."""


class Scenario(StrEnum):
    """Who the users are."""

    SINGLE = "single"
    BATCH = "batch"
    MIXED = "mixed"


class Shape(StrEnum):
    """How their number changes."""

    RAMP = "ramp"
    SPIKE = "spike"
    SOAK = "soak"


def users_at(shape: Shape, elapsed: float, seconds: float, peak: int) -> int | None:
    """Return the users at `elapsed` seconds of a run of `seconds`; None when the run is over."""
    if elapsed >= seconds:
        return None
    passed = elapsed / seconds
    if shape is Shape.RAMP:
        share = min(passed / RAMP_SHARE, 1.0)
    elif shape is Shape.SPIKE:
        share = 1.0 if SPIKE_FROM <= passed < SPIKE_TO else SPIKE_BASE
    else:
        share = SOAK_SHARE
    return max(round(peak * share), 1)
