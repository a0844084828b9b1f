"""Put a refusal of the service into one line, for a table of failures."""

from __future__ import annotations

import json


def refusal(status: int, body: bytes) -> str:
    """Return the status, what the problem says, and the first broken rule; never a value."""
    try:
        problem = json.loads(body)
        line = f"{status}: {problem['detail']}"
        errors = problem.get("errors") or (problem.get("rows") or [{}])[0].get("errors") or []
        return line + "".join(f"; {error['field']}: {error['message']}" for error in errors[:1])
    except (ValueError, LookupError, TypeError, AttributeError):
        return f"{status} without a problem in words"
