"""Check an application by its scorecard's contract, as the service does; a draft may lack fields."""

from __future__ import annotations

from typing import Any

import orjson
from pydantic import ValidationError

from scoring import scorecards
from scoring.errors import FieldError, field_errors

MOST_ERRORS = 100


def broken_rules(scorecard: str, fields: dict[str, Any], *, complete: bool) -> list[FieldError]:
    """Return the rules that the fields of an application break.

    Args:
        scorecard: the name of one that exists.
        fields: values by column.
        complete: whether a field that is missing breaks a rule; those that are there are checked anyway.
    """
    try:
        scorecards.load(scorecard).application.model_validate_json(orjson.dumps(fields))
    except ValidationError as error:
        found = field_errors(error)
        return [one for one in found if complete or one.rule != "missing"][:MOST_ERRORS]
    return []
