"""Declare which fields an applicant can change, and how far: the ground of a counterfactual."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from scoring.application import FieldRule

Direction = Literal["up", "down", "either"]
Value = int | float | str

MOST_COMBINATIONS = 20_000
"""Changes of one application that are tried at most."""


@dataclass(frozen=True, slots=True)
class Changeable:
    """A field that an applicant can change: a number to whole steps from a minimum, a text to one of some choices."""

    column: str
    direction: Direction = "either"
    """For text: up is towards the last of `choices`."""
    minimum: float = math.nan
    maximum: float = math.nan
    """A whole number of steps above the minimum."""
    step: float = 1
    at_most: str = ""
    """A column of numbers that stays as it is, whose value is the maximum where it is lower."""
    choices: tuple[str, ...] = ()
    """The texts that an applicant can change to. A text that is none of these can be changed to each of them."""

    @property
    def most_ways(self) -> int:
        """How many sequences `ways` gives at most."""
        return len(self.choices) or (2 if self.direction == "either" else 1)

    def ways(self, rule: FieldRule, value: Value | None, maximum: float) -> tuple[tuple[Value, ...], ...]:
        """Return the values that a field can be changed to, as sequences that lead away from its own value.

        One for each direction of a number, and one for each choice of a text. A missing value and a sentinel are
        no amount to start from, so they cannot be changed.

        Args:
            rule: of the field.
            value: the applicant's own.
            maximum: of a number: its own or, where that is lower, the value of the column `at_most`.
        """
        if value is None or value in rule.sentinels:
            return ()
        if isinstance(value, str):
            at = self.choices.index(value) if value in self.choices else None
            below, above = self.choices[:at], () if at is None else self.choices[at + 1 :]
            permitted = {"either": below + above, "up": above, "down": below}[self.direction]
            return tuple((choice,) for choice in (self.choices if at is None else permitted))
        number = int if rule.kind == "integer" else float
        values = [number(self.minimum + place * self.step) for place in range(self._steps + 1)]
        lower = tuple(other for other in reversed(values) if value > other <= maximum) if self.direction != "up" else ()
        higher = tuple(other for other in values if value < other <= maximum) if self.direction != "down" else ()
        return tuple(way for way in (lower, higher) if way)

    def size(self, value: Value, changed: Value) -> float:
        """Return how large a change is: as a fraction of the range between the bounds; 1 for a text."""
        if isinstance(value, str) or isinstance(changed, str):
            return float(value != changed)
        return abs(changed - value) / (self.maximum - self.minimum)

    def broken(self, rule: FieldRule) -> str:
        """Return which rule of a field this contradicts, in words; empty if none."""
        if rule.kind == "text":
            unknown = sorted(set(self.choices) - set(rule.choices))
            if unknown or not self.choices or len(set(self.choices)) < len(self.choices):
                return f"needs different choices of the field's own, not {unknown or list(self.choices)}"
            if not (math.isnan(self.minimum) and math.isnan(self.maximum)):
                return "is text and has no bounds"
            return ""
        if self.choices:
            return "is a number and has no choices"
        if not rule.minimum <= self.minimum < self.maximum <= rule.maximum:
            return f"needs bounds that rise, within {rule.minimum:g} and {rule.maximum:g}"
        if not self.step > 0 or not ((self.maximum - self.minimum) / self.step).is_integer():
            return "needs a step above 0, and a whole number of them between its bounds"
        if rule.kind == "integer" and not (float(self.minimum).is_integer() and float(self.step).is_integer()):
            return "holds whole numbers, so minimum and step must be whole"
        return ""

    @property
    def _steps(self) -> int:
        return round((self.maximum - self.minimum) / self.step)


def most_coarse_combinations(changeable: Sequence[Changeable]) -> int:
    """Return how many changes there are at most if each number can only be changed to its bounds."""
    return math.prod(1 + one.most_ways for one in changeable) - 1
