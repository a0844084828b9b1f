"""Name the broken rules of an application, by field and rule; no value is ever repeated."""

from __future__ import annotations

from pydantic import BaseModel, ValidationError

# A field that nobody knows is named as it came, and it came from outside.
LONGEST_NAME = 100


class FieldError(BaseModel):
    """One broken rule. `rule` is pydantic's error type, e.g. `less_than_equal`."""

    field: str
    rule: str
    message: str


class RowError(BaseModel):
    """Everything wrong with one application of a batch; `index` counts from 0."""

    index: int
    errors: list[FieldError]


class InvalidApplicationError(ValueError):
    """An application, or the table that holds many, breaks its contract."""

    def __init__(self, errors: list[FieldError]) -> None:
        super().__init__("; ".join(f"{error.field}: {error.message}" for error in errors))
        self.errors = errors


def field_errors(error: ValidationError, whole: str = "(body)", most: int | None = None) -> list[FieldError]:
    """Return the broken rules in pydantic's error, without the values that broke them.

    Args:
        error: what pydantic raised.
        whole: stands for the field where a rule is about all of them.
        most: how many to name; all of them if not given.
    """
    return [
        FieldError(
            field=".".join(str(part) for part in item["loc"])[:LONGEST_NAME] or whole,
            rule=item["type"],
            # pydantic words this one by where the value came from, and names the class.
            message="Input should be an object" if item["type"] == "model_type" else item["msg"],
        )
        for item in error.errors(include_url=False, include_context=False, include_input=False)[:most]
    ]
