"""The steps of a search: the changeable fields of one application, and the values that lead away from its own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import prod

import numpy as np

from scoring.application import Application
from scoring.changeable import Changeable, Value
from scoring.counterfactual.answer import SearchedField
from scoring.graph import Inputs
from scoring.scorecard import Scorecard


@dataclass(frozen=True, slots=True)
class OwnField:
    """A changeable field of one application, with the sequences of values that lead away from its own."""

    declared: Changeable
    name: str
    position: int | None
    """The position of its column among the graph's numbers, or among its texts; None where only a derived field, which
    the graph reads, is made of it."""
    own: Value
    maximum: float
    """The largest number that it can be changed to."""
    ways: tuple[tuple[Value, ...], ...]


@dataclass(frozen=True, slots=True)
class Step:
    """A field's value: the one at a place of one of its ways."""

    field: OwnField
    way: tuple[Value, ...]
    place: int
    """-1 for the applicant's own value."""

    @property
    def value(self) -> Value:
        """The value at the place."""
        return self.way[self.place] if self.place >= 0 else self.field.own

    @property
    def size(self) -> float:
        """The size of the change, as the scorecard counts it."""
        return self.field.declared.size(self.field.own, self.value)


def own_fields(
    scorecard: Scorecard, application: Application, columns: Sequence[str], row: Inputs
) -> Iterator[OwnField]:
    """Yield the changeable fields of an application that the graph reads, or reads something derived of."""
    rules = {rule.column: rule for rule in scorecard.rules}
    for declared in scorecard.changeable:
        if declared.column not in _reached(scorecard, columns):
            continue
        rule = rules[declared.column]
        own = getattr(application, rule.field)
        ceiling = getattr(application, rules[declared.at_most].field) if declared.at_most else None
        maximum = declared.maximum if ceiling is None else min(declared.maximum, ceiling)
        position = None
        if declared.column in columns:
            position = columns.index(declared.column) - (row.numeric.shape[1] if rule.kind == "text" else 0)
        if ways := declared.ways(rule, own, maximum):
            yield OwnField(declared, rule.field, position, own, maximum, ways)


def why_nothing(scorecard: Scorecard, columns: Sequence[str]) -> str:
    """Return why none of an application's fields can be changed."""
    if not scorecard.changeable:
        return "the scorecard declares no field that an applicant can change"
    reached = _reached(scorecard, columns)
    declared = ", ".join(one.column for one in scorecard.changeable if one.column in reached)
    if not declared:
        return "the model reads none of the fields that an applicant can change"
    return f"as they were sent, these cannot be changed within their bounds: {declared}"


def combinations_of(fields: Sequence[OwnField], count: int, places: int) -> int:
    """Return how many changes of exactly so many fields there are, with at most so many places of each way."""
    options = [sum(min(len(way), places) for way in field.ways) for field in fields]
    return sum(prod(some) for some in combinations(options, count))


def spaced(length: int, places: int) -> list[int]:
    """Return at most so many places of a way, evenly spaced, its end always among them; in order."""
    if length <= places:
        return list(range(length))
    chosen: list[int] = np.unique(np.linspace(length - 1, 0, places).round().astype(np.int64)).tolist()
    return chosen


def smallness(steps: Sequence[Step]) -> tuple[int, float]:
    """Return what a change is ranked by, the smallest first: its number of fields, then the sum of its sizes."""
    return sum(step.place >= 0 for step in steps), round(sum(step.size for step in steps), 9)


def searched_field(field: OwnField) -> SearchedField:
    """Return how a field was searched, for the answer."""
    declared = field.declared
    if declared.choices:
        return SearchedField(field=declared.column, direction=declared.direction, choices=list(declared.choices))
    return SearchedField(
        field=declared.column,
        direction=declared.direction,
        minimum=declared.minimum,
        maximum=field.maximum,
        step=declared.step,
    )


def _reached(scorecard: Scorecard, columns: Sequence[str]) -> set[str]:
    """Return the columns whose change can change the PD: those of the graph, and the parts of derived ones."""
    return {*columns, *(part for derived in scorecard.derived if derived.column in columns for part in derived.parts)}
