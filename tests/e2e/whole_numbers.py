"""A hook for schemathesis: whole numbers are written without a decimal point.

JSON Schema counts 2.0 among the integers; the contract refuses it, as it refuses a column of
floats for whole numbers. The schema language has no word for that.
"""

from __future__ import annotations

from typing import Any

import schemathesis


@schemathesis.hook
def map_body(context: schemathesis.HookContext, body: Any) -> Any:
    return _whole(body)


def _whole(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _whole(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_whole(item) for item in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value
