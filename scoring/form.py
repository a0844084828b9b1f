"""Describe the form of an application: its fields in groups, with the rules that a browser checks before it sends.

The groups are the scorecard's reason groups, since their fields speak of the same; the protected fields come last.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from scoring.application import Application, FieldRule, field_rules
from scoring.labels import Label, label_of
from scoring.scorecard import Scorecard

FAR = 1_000_000
"""Bounds from here on are told only to who breaks them."""
MOST_OPTIONS = 20
"""A whole number with more levels is typed in, not chosen."""
KEY_GROUP = "Client"
PROTECTED_GROUP = "Protected by law"
NOT_READ = "For reports on fairness. The model does not read them, so they change no decision. They may be left out."
READ = "The model reads them, as its parameters say. A report on fairness shows what that does."


@dataclass(frozen=True, slots=True)
class Option:
    """A value that can be chosen, as JSON writes it, and its word."""

    value: str
    word: str


@dataclass(frozen=True, slots=True)
class FormField:
    """One field of the form."""

    name: str
    """The column, by which the service names the field."""
    title: str
    hint: str
    unit: str
    kind: str
    """integer, number or text."""
    required: bool
    minimum: str
    """The lower bound of a number, as JSON writes it; empty for text."""
    maximum: str
    bounds: str
    """The bounds in words; empty where nobody comes near them."""
    options: tuple[Option, ...]
    """All values, of a field of which one is chosen; empty for a number that is typed in."""
    beyond: tuple[Option, ...]
    """The numbers beyond the bounds that are permitted next to what is typed in."""
    example: str
    """The example's value, as JSON writes it; empty if it has none."""


@dataclass(frozen=True, slots=True)
class FormGroup:
    """Fields that speak of the same."""

    title: str
    note: str
    fields: tuple[FormField, ...]


def form_groups(scorecard: Scorecard, application: type[Application], read: Collection[str]) -> tuple[FormGroup, ...]:
    """Return the groups of a scorecard's form.

    Args:
        scorecard: the product.
        application: the model that requests are validated by; it may require more than the scorecard's own.
        read: the columns that the graph reads.
    """
    fields = {field.name: field for field in _fields(scorecard, application)}
    groups = [
        FormGroup(
            group.code.replace("_", " ").capitalize(),
            "",
            tuple(fields.pop(column) for column in fields.copy() if column in group.columns),
        )
        for group in scorecard.reasons
    ]
    protected = tuple(fields.pop(column) for column in fields.copy() if column in scorecard.protected)
    note = READ if scorecard.protected.intersection(read) else NOT_READ
    every = (FormGroup(KEY_GROUP, "", tuple(fields.values())), *groups, FormGroup(PROTECTED_GROUP, note, protected))
    return tuple(group for group in every if group.fields)


def _fields(scorecard: Scorecard, application: type[Application]) -> Iterator[FormField]:
    for rule in field_rules(application):
        label = label_of(scorecard.labels, rule, application.model_fields[rule.field].description)
        yield _field(rule, label, scorecard.example)


def _field(rule: FieldRule, label: Label, example: Mapping[str, float | int | str]) -> FormField:
    is_chosen = rule.kind == "text" or (rule.kind == "integer" and rule.maximum - rule.minimum < MOST_OPTIONS)
    # The words' order first: it is the one that people expect.
    levels = dict.fromkeys([*label.words, *rule.levels]) if is_chosen else {}
    return FormField(
        name=rule.column,
        title=label.title,
        hint=label.hint,
        unit=label.unit,
        kind=rule.kind,
        required=rule.required,
        minimum="" if rule.kind == "text" else _number(rule.minimum),
        maximum="" if rule.kind == "text" else _number(rule.maximum),
        bounds="" if is_chosen else _bounds(rule),
        options=tuple(Option(str(level), label.words.get(level, str(level))) for level in levels),
        beyond=() if is_chosen else tuple(Option(str(one), label.words.get(one, str(one))) for one in rule.sentinels),
        example=_example(example.get(rule.column)),
    )


def _bounds(rule: FieldRule) -> str:
    low, high = (_number(bound) if abs(bound) < 1000 else f"{bound:,.0f}" for bound in (rule.minimum, rule.maximum))
    return "" if max(-rule.minimum, rule.maximum) >= FAR else f"From {low} to {high}.".replace("-", "\N{MINUS SIGN}")


def _example(value: float | str | None) -> str:
    return "" if value is None else value if isinstance(value, str) else _number(value)


def _number(value: float) -> str:
    """Return a number as a person would type it: whole where it is."""
    return str(int(value)) if float(value).is_integer() else repr(float(value))
