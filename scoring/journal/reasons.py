"""A reason as the journal keeps it: the group's code, and after a dot the statement's: BALANCES.TOO_HIGH.

Decisions of earlier versions have the group's code alone. The sentence itself is not kept: it is the scorecard's.
"""

from __future__ import annotations

_DOT = "."


def join_reason(code: str, statement: str | None) -> str:
    """Return a reason as the journal keeps it."""
    return code if statement is None else f"{code}{_DOT}{statement}"


def split_reason(kept: str) -> tuple[str, str | None]:
    """Return the group's code and the statement's."""
    code, _, statement = kept.partition(_DOT)
    return code, statement or None
