"""Set how durable a journal is, how large its segments become, and how long they are kept."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Sync = Literal["full", "normal"]
"""SQLite's `synchronous`: full survives the end of the power, normal that of every process."""


@dataclass(frozen=True, slots=True)
class JournalLimits:
    """The durability of an append, the size at which a segment ends, and how long it is kept."""

    sync: Sync = "full"
    segment_bytes: int = 256 << 20
    retention_months: int = 25
    """12 CFR 1002.12(b): 25 months after the applicant was told."""
