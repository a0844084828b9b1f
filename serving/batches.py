"""A batch of applications in JSON: a broken one does not fail the others."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, ClassVar, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, WrapValidator, create_model

from scoring.application import Application, column_names, with_whole_numbers
from scoring.errors import FieldError, field_errors
from scoring.members import Members, colons, is_no_json, read_members, repeated, require_single

MOST_ERRORS_OF_A_ROW = 25


class BrokenRow:
    """Stands in a batch where an application breaks its contract."""

    def __init__(self, errors: list[FieldError], members: int) -> None:
        self.errors = errors
        self.members = members
        """How many members it has, those within them not counted."""


class Batch(BaseModel):
    """Applications that are decided together. A broken one does not fail the others."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    application: ClassVar[type[Application]] = Application

    applications: list[Any]

    @classmethod
    def model_validate_json(cls, json_data: str | bytes | bytearray, **options: Any) -> Self:
        """Read a batch from JSON; an application that gives a field twice becomes a `BrokenRow`.

        Raises:
            ValidationError: the batch breaks a rule, or gives its own field twice.
        """
        try:
            batch: Self = cls.__pydantic_validator__.validate_json(json_data, **options)
        except ValidationError as error:
            if not is_no_json(error):
                require_single(cls.__name__, repeated(read_members(json_data)))
            raise
        members = 1 + sum(
            row.members if isinstance(row, BrokenRow) else len(row.__pydantic_fields_set__)
            for row in batch.applications
        )
        if colons(json_data) != members:
            batch._break_repeated(read_members(json_data))
        return batch

    def _break_repeated(self, members: Members) -> None:
        """Put a `BrokenRow` in the place of each application that gives a field twice.

        Raises:
            ValidationError: the batch gives its own field twice.
        """
        require_single(type(self).__name__, repeated(members))
        columns = column_names(self.application)
        for index, row in enumerate(members.values_of("applications")):
            if errors := repeated(row, columns):
                self.applications[index] = BrokenRow(errors[:MOST_ERRORS_OF_A_ROW], len(row))


def _row_validator(application: type[Application]) -> Callable[[Any, Callable[[Any], Application]], Any]:
    # A member more is a rule more that is broken, and a body has room for very many.
    most_members = 2 * len(application.model_fields)
    columns = column_names(application)
    crowded = FieldError(
        field="(application)", rule="too_long", message=f"Application should have at most {most_members} members"
    )

    def keep_errors(value: Any, validate: Callable[[Any], Application]) -> Application | BrokenRow:
        members = len(value) if isinstance(value, dict) else 0
        if members > most_members:
            return BrokenRow([crowded], members)
        try:
            return validate(value)
        except ValidationError as error:
            whole = with_whole_numbers(application, value)
            row = _broken(error, members) if whole is None else _validated(whole, validate, members)
        # One name twice has left no trace here, two names of one field have.
        if isinstance(row, BrokenRow) and members and (errors := repeated(Members(value.items()), columns)):
            return BrokenRow(errors[:MOST_ERRORS_OF_A_ROW], members)
        return row

    return keep_errors


def _validated(value: Any, validate: Callable[[Any], Application], members: int) -> Application | BrokenRow:
    try:
        return validate(value)
    except ValidationError as error:
        return _broken(error, members)


def _broken(error: ValidationError, members: int) -> BrokenRow:
    return BrokenRow(field_errors(error, "(application)", MOST_ERRORS_OF_A_ROW), members)


def batch_model(application: type[Application], most_rows: int) -> type[Batch]:
    """Return the model of a body with at most `most_rows` of these applications; a broken one becomes a `BrokenRow`.

    Validating a plain list would be twice as fast where all rows are good. But it collects every
    broken rule of the whole body before it fails, and that took half a second for one of 1 MB.
    """
    rows = Field(min_length=1, max_length=most_rows, description=f"1 to {most_rows} applications")
    row: Any = Annotated[application, WrapValidator(_row_validator(application))]
    made = create_model("Batch", __base__=Batch, applications=(list[row], rows))
    made.application = application
    return made
