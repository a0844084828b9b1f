"""Check an application by its scorecard's contract, as the service does; a draft may lack fields."""

from __future__ import annotations

import json
from typing import Any

from pydantic import ValidationError

from desk.database.people import Role
from desk.database.scope import Viewer
from desk.database.work import Application
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
        # Not orjson, which refuses numbers and texts of which the contract itself says what is wrong with them.
        scorecards.load(scorecard).application.model_validate_json(json.dumps(fields))
    except ValidationError as error:
        found = field_errors(error)
        return [one for one in found if complete or one.rule != "missing"][:MOST_ERRORS]
    return []


def visible_fields(application: Application, viewer: Viewer | None) -> dict[str, Any]:
    """Return the fields that somebody may see: who decides about others does not see what the law protects."""
    if viewer is None or viewer.role == Role.CLIENT:
        return application.fields
    protected = scorecards.load(application.scorecard).protected
    return {name: value for name, value in application.fields.items() if name not in protected}


def with_protected(application: Application, fields: dict[str, Any]) -> dict[str, Any]:
    """Return fields that a manager has edited together with the protected ones, which stay the client's own."""
    protected = scorecards.load(application.scorecard).protected
    kept = {name: value for name, value in application.fields.items() if name in protected}
    return {**{name: value for name, value in fields.items() if name not in protected}, **kept}
