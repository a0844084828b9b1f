"""Declare the words of callers that were written for another system: their fields, their answers, their paths.

A dialect changes no decision. Its application becomes the scorecard's own, and its answer is made of the decision.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

from pydantic import BaseModel

from scoring.application import Application, FieldRule, field_rules

Purpose = Literal["predict", "predict_batch", "health", "model_info", "reload"]
_PATH = re.compile(r"/[a-z0-9][a-z0-9_-]*")


class Answered(NamedTuple):
    """All of a decision that a dialect's answer is made of."""

    pd: float
    """Probability of default, 0 to 1."""
    declined: bool
    """By the policy in force."""
    model_version: str
    """The registry's number of the model that decided, as text."""
    timestamp: str
    """The time of the decision: UTC, ISO 8601."""


@dataclass(frozen=True, slots=True)
class RequestDialect:
    """The fields, answers and paths that one kind of caller knows."""

    title: str
    prefix: str
    """Every path begins with it: /api."""
    paths: Mapping[Purpose, str]
    """The path behind the prefix, by its purpose; one for `predict` at least."""
    application: type[Application]
    """The fields as these callers send them, by alias, with the ranges that they know. Python names are those of the
    scorecard's application, so that a field may go by another name."""
    answer: type[BaseModel]
    """The model of one answer."""
    members: Callable[[Answered], dict[str, Any]]
    """Makes the members of one answer."""
    example: Mapping[str, float | int | str]
    """An application as these callers send it."""
    defaults: Mapping[str, float | int | str] = field(default_factory=dict)
    """Values of the scorecard's columns that the dialect has no field for."""

    def values(self, application: Application) -> dict[str, Any]:
        """Return what the scorecard's application is made of."""
        return {**self.defaults, **application.model_dump(exclude_unset=True)}


def dialects_fault(dialects: Sequence[RequestDialect], own: Sequence[FieldRule]) -> str | None:
    """Return what is wrong with the dialects of a scorecard; None where each fits its fields.

    Args:
        dialects: of one scorecard.
        own: the rules of its application.
    """
    prefixes = [dialect.prefix for dialect in dialects]
    for dialect in dialects:
        where = f"the dialect {dialect.prefix}"
        paths = [dialect.prefix, *dialect.paths.values()]
        if not all(map(_PATH.fullmatch, paths)) or len(set(paths)) < len(paths) or "predict" not in dialect.paths:
            return f"{where} has a path that is none, that is there twice, or no path to predict"
        if prefixes.count(dialect.prefix) > 1:
            return f"{where} is there twice"
        if fault := _fields_fault(dialect, {rule.field: rule for rule in own}):
            return f"{where} {fault}"
        dialect.application.model_validate(dict(dialect.example))
    return None


def _fields_fault(dialect: RequestDialect, own: Mapping[str, FieldRule]) -> str | None:
    rules = {rule.field: rule for rule in field_rules(dialect.application)}
    columns = {rule.column: rule for rule in own.values()}
    for column, value in dialect.defaults.items():
        if column not in columns or columns[column].field in rules or not columns[column].permits(value):
            return f"has a default of {column}, which is no field without one, or does not permit it"
    for name, rule in rules.items():
        if name not in own or not _is_within(rule, own[name]):
            return f"takes {rule.column}, which the scorecard does not, or not with all these values"
    missing = [
        rule.column
        for name, rule in own.items()
        if rule.required and rule.column not in dialect.defaults and not (name in rules and rules[name].required)
    ]
    return f"lacks {', '.join(missing)}" if missing else None


def _is_within(rule: FieldRule, own: FieldRule) -> bool:
    """Return whether every value that one rule permits is permitted by the other."""
    if rule.kind == "text" or own.kind == "text":
        return rule.kind == own.kind and set(rule.choices) <= set(own.choices)
    is_narrower = rule.kind == "integer" or own.kind == "number"
    return (
        is_narrower
        and own.minimum <= rule.minimum
        and rule.maximum <= own.maximum
        and set(rule.sentinels) <= set(own.sentinels)
    )
