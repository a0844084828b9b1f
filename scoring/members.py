"""Find the members that a JSON object gives twice: of two values nobody can say which holds.

A parser keeps the last one in silence. Every member has a colon, so a body with as many colons as its models have
members gives none twice, and is read once. Only of others are the members read again, one by one.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import ValidationError
from pydantic_core import InitErrorDetails, PydanticCustomError

from scoring.errors import LONGEST_NAME, FieldError

RULE = "duplicate"


class Members(list[tuple[str, Any]]):
    """The members of one JSON object in order, also those that are given twice."""

    def values_of(self, name: str) -> list[Any]:
        """Return the list under a name, an empty one if there is none."""
        found = next((value for given, value in self if given == name), None)
        return found if isinstance(found, list) and not isinstance(found, Members) else []


def colons(body: str | bytes | bytearray) -> int:
    """Return how many members the objects of a JSON body have at most."""
    return body.count(":") if isinstance(body, str) else body.count(b":")


def read_members(body: str | bytes | bytearray) -> Any:
    """Return the JSON of a body with `Members` for its objects and zeros for its numbers.

    Args:
        body: pydantic has found it to be JSON.
    """
    text = body if isinstance(body, str) else body.decode()
    return json.loads(
        text, strict=False, object_pairs_hook=_members, parse_int=_zero, parse_float=_zero, parse_constant=_zero
    )


def repeated(value: Any, columns: Mapping[str, str] | None = None) -> list[FieldError]:
    """Return an error for each field that an object gives twice, under one name or under two.

    Args:
        value: of `read_members`; only `Members` have any.
        columns: for each further name of a field its first one.
    """
    given: dict[str, list[str]] = {}
    for name, _ in value if isinstance(value, Members) else ():
        given.setdefault((columns or {}).get(name, name), []).append(name)
    return [
        FieldError(field=column[:LONGEST_NAME], rule=RULE, message=_message(names))
        for column, names in given.items()
        if len(names) > 1
    ]


def repeated_throughout(value: Any, place: str = "") -> list[FieldError]:
    """Return an error for each member that any object in a value of `read_members` gives twice, by its path."""
    errors = [error.model_copy(update={"field": f"{place}{error.field}"}) for error in repeated(value)]
    inner = value if isinstance(value, Members) else enumerate(value) if isinstance(value, list) else ()
    return errors + [error for name, item in inner for error in repeated_throughout(item, f"{place}{name}.")]


def require_single(title: str, errors: Sequence[FieldError]) -> None:
    """Refuse a body for fields that it gives twice.

    Args:
        title: the model's name.
        errors: of `repeated`.

    Raises:
        ValidationError: there are errors.
    """
    if errors:
        details = [
            InitErrorDetails(type=PydanticCustomError(RULE, error.message), loc=(error.field,), input=None)
            for error in errors
        ]
        raise ValidationError.from_exception_data(title, details, input_type="json", hide_input=True)


def is_no_json(error: ValidationError) -> bool:
    """Return whether a body was refused because it is no JSON."""
    return (
        error.error_count() == 1 and error.errors(include_url=False, include_input=False)[0]["type"] == "json_invalid"
    )


def _members(pairs: list[tuple[str, Any]]) -> Members:
    # A function, not the class: between two objects other threads get the interpreter.
    return Members(pairs)


def _zero(_: str) -> int:
    # Python turns only so many digits into a number.
    return 0


def _message(names: Sequence[str]) -> str:
    different = list(dict.fromkeys(names))
    return "Field is given twice" + (f", as {' and as '.join(different)}" if len(different) > 1 else "")
