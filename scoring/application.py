"""The fields of an application, and the rules that their values must keep.

A scorecard declares its application as a pydantic model. `field_rules` reads the same rules from it as data, one
`FieldRule` for each field, for everything that works by column: frames, training's contract of a table, sample rows.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from types import UnionType
from typing import Annotated, Any, Literal, Self, Union, get_args, get_origin

import annotated_types
import numpy as np
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    ValidationError,
    create_model,
)
from pydantic.fields import FieldInfo
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema, from_json

from scoring.members import colons, is_no_json, read_members, repeated, require_single

Kind = Literal["integer", "number", "text"]
Level = int | str | None
"""A value of a code; None where it is missing."""


class Application(BaseModel):
    """One applicant's raw fields. Subclasses declare the fields of one product.

    Strict: no unknown fields, no strings or booleans for numbers, no NaN or infinity. A field
    answers to its Python name and to its alias, which is the column name in the data set. JSON may write a whole number
    in any way, such as 2.0 or 20e-1, and gives a field once.
    """

    model_config = ConfigDict(
        strict=True,
        extra="forbid",
        frozen=True,
        allow_inf_nan=False,
        hide_input_in_errors=True,
        validate_by_name=True,
        validate_by_alias=True,
    )

    @classmethod
    def model_validate_json(cls, json_data: str | bytes | bytearray, **options: Any) -> Self:
        """Read an application from JSON.

        Raises:
            ValidationError: it breaks a rule, or gives a field twice.
        """
        validator = cls.__pydantic_validator__
        try:
            application: Self = validator.validate_json(json_data, **options)
        except ValidationError as error:
            if is_no_json(error):
                raise
            cls._require_single(json_data)
            values = with_whole_numbers(cls, from_json(json_data))
            if values is None:
                raise
            application = validator.validate_python(values, **options)
        if colons(json_data) != len(application.__pydantic_fields_set__):
            cls._require_single(json_data)
        return application

    @classmethod
    def _require_single(cls, json_data: str | bytes | bytearray) -> None:
        require_single(cls.__name__, repeated(read_members(json_data), column_names(cls)))


@cache
def column_names(application: type[Application]) -> Mapping[str, str]:
    """Return the column of each field by its Python name."""
    return {name: info.alias or name for name, info in application.model_fields.items()}


def with_whole_numbers(application: type[Application], value: Any) -> dict[str, Any] | None:
    """Return an application's values with a float that is a whole number as an integer, where its field holds one.

    Args:
        application: the model.
        value: of JSON.

    Returns:
        None if the value has no such number.
    """
    if not isinstance(value, dict):
        return None
    names = _integers(application)
    whole = {
        name: int(given)
        for name, given in value.items()
        if type(given) is float and given.is_integer() and name in names
    }
    return value | whole if whole else None


@cache
def _integers(application: type[Application]) -> frozenset[str]:
    """Return all names of the fields that hold integers."""
    rules = (rule for rule in field_rules(application) if rule.kind == "integer")
    return frozenset(name for rule in rules for name in (rule.field, rule.column))


class Sentinel:
    """Whole numbers beyond a field's bounds that stand for "none" or the like, and are permitted next to them.

    They follow the bounds: `Annotated[int, Field(ge=-20_000, le=0), Sentinel(365_243)]`; several are
    `Sentinel(-9, -8, -7)`.
    """

    __slots__ = ("values",)

    def __init__(self, *values: int) -> None:
        self.values = values

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        # A union would report what is out of bounds once per member, under names of pydantic's own.
        return core_schema.no_info_wrap_validator_function(self._checked, handler(source))

    def _checked(self, value: Any, within_bounds: core_schema.ValidatorFunctionWrapHandler) -> Any:
        return value if type(value) is int and value in self.values else within_bounds(value)

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return {"anyOf": [handler(schema), *({"const": value, "type": "integer"} for value in self.values)]}


@dataclass(frozen=True, slots=True)
class FieldRule:
    """The rule of one field of an application: a number within inclusive bounds, or one of some texts."""

    field: str
    column: str
    kind: Kind
    required: bool
    minimum: float = -np.inf
    maximum: float = np.inf
    choices: tuple[str, ...] = ()
    sentinels: tuple[int, ...] = ()
    """The numbers beyond the bounds that are permitted."""

    @property
    def levels(self) -> tuple[int | str, ...]:
        """Every value that text or a whole number may have, in order."""
        if self.kind == "text":
            return self.choices
        return (*range(int(self.minimum), int(self.maximum) + 1), *self.sentinels)

    def permits(self, value: int | float | str) -> bool:
        """Return whether an application may have this value."""
        if isinstance(value, str) or self.kind == "text":
            return value in self.choices
        is_whole = self.kind == "number" or float(value).is_integer()
        return value in self.sentinels or (is_whole and self.minimum <= value <= self.maximum)


def field_rules(application: type[Application]) -> tuple[FieldRule, ...]:
    """Return the rule of every field, in declaration order, read from the pydantic model.

    Raises:
        TypeError: a field has a type or constraint that a column contract cannot express.
    """
    return tuple(_field_rule(name, info) for name, info in application.model_fields.items())


def _field_rule(name: str, info: FieldInfo) -> FieldRule:
    """Return the rule of one field; raise TypeError where a column contract cannot express it."""
    options = get_args(info.annotation) if get_origin(info.annotation) in (Union, UnionType) else (info.annotation,)
    types = [option for option in options if option is not type(None)]
    if len(types) == 1 and get_origin(types[0]) is Literal:
        choices = get_args(types[0])
        if not all(isinstance(choice, str) and choice for choice in choices) or info.metadata:
            raise TypeError(f"field {name!r}: a text column's choices are texts, none of them empty, without more")
        return FieldRule(name, info.alias or name, "text", info.is_required(), choices=choices)
    kinds: dict[Any, Kind] = {int: "integer", float: "number"}
    if len(types) != 1 or types[0] not in kinds:
        raise TypeError(
            f"field {name!r}: a column holds int, float or a Literal of texts, optionally None, not {info.annotation}"
        )
    bounds: dict[type, float] = {}
    sentinels: tuple[int, ...] = ()
    for constraint in info.metadata:
        if isinstance(constraint, annotated_types.Ge):
            bounds[annotated_types.Ge] = float(constraint.ge)  # type: ignore[arg-type]  # protocol, not a number
        elif isinstance(constraint, annotated_types.Le):
            bounds[annotated_types.Le] = float(constraint.le)  # type: ignore[arg-type]  # protocol, not a number
        elif isinstance(constraint, Sentinel):
            sentinels = constraint.values
        else:
            raise TypeError(f"field {name!r}: use ge and le, {constraint!r} has no column form")
    if len(bounds) != 2:
        raise TypeError(f"field {name!r}: both ge and le must be given")
    return FieldRule(
        field=name,
        column=info.alias or name,
        kind=kinds[types[0]],
        minimum=bounds[annotated_types.Ge],
        maximum=bounds[annotated_types.Le],
        required=info.is_required(),
        sentinels=sentinels,
    )


def require_fields(application: type[Application], rules: Iterable[FieldRule]) -> type[Application]:
    """Return the application model with these optional fields made required, under the same bounds or choices."""
    required: dict[str, Any] = {
        rule.field: _required(rule, application.model_fields[rule.field].description) for rule in rules
    }
    return create_model(application.__name__, __base__=application, **required) if required else application


def _required(rule: FieldRule, description: str | None) -> tuple[Any, Any]:
    """Return type and field, as `create_model` takes them, of a field that must be given."""
    if rule.kind == "text":
        return Literal[rule.choices], Field(alias=rule.column, description=description)
    number: Any = int if rule.kind == "integer" else float
    number = Annotated[number, Field(ge=number(rule.minimum), le=number(rule.maximum))]
    if rule.sentinels:
        number = Annotated[number, Sentinel(*rule.sentinels)]
    return number, Field(alias=rule.column, description=description)
