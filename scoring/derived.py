"""Declare which fields of an application follow from others, such as the ratio of a debt to an income."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from scoring.application import FieldRule

TOLERANCE = 0.01
"""By how much of itself a derived value may differ from what its parts give: it may have been rounded."""


@dataclass(frozen=True, slots=True)
class Derived:
    """A field of numbers that is computed from other fields: `Derived("RATIO", ("DEBT", "INCOME"), np.divide)`."""

    column: str
    parts: tuple[str, ...]
    compute: Callable[..., Any]
    """Takes an array of numbers for each part, in order, and returns one as long; what is not finite is missing."""

    def follow(self, rule: FieldRule, values: Mapping[str, ArrayLike | None]) -> NDArray[np.float64]:
        """Return the field's value in each row, whole where it holds whole numbers; NaN where a part is missing.

        Args:
            rule: of the field.
            values: [rows] or one number for each part; None where it is missing.
        """
        given = [values[part] for part in self.parts]
        parts = [np.asarray(np.nan if part is None else part, dtype=np.float64) for part in given]
        with np.errstate(all="ignore"):
            found = np.asarray(self.compute(*np.broadcast_arrays(*parts)), dtype=np.float64)
        found = np.where(np.isfinite(found), found, np.nan)
        return np.asarray(np.rint(found) if rule.kind == "integer" else found)

    def broken(self, rules: Mapping[str, FieldRule], example: Mapping[str, Any], others: frozenset[str]) -> str:
        """Return which rule of a scorecard this contradicts, in words; empty if none.

        Args:
            rules: of every field, by column.
            example: the scorecard's.
            others: columns that cannot be derived: what is changeable or a maximum, protected columns, the key.
        """
        for column in (self.column, *self.parts):
            if column not in rules or rules[column].kind == "text":
                return f"is made of {column}, which is no field of numbers"
        if self.column in others or self.column in self.parts or not self.parts:
            return "is changeable, a maximum, protected, the key or a part of itself, or has no parts"
        own = example.get(self.column)
        due = self.follow(rules[self.column], {part: example.get(part) for part in self.parts})
        if own is not None and np.isfinite(due) and abs(own - due) > TOLERANCE * max(abs(own), abs(float(due))):
            return f"is {own:g} in the example, whose parts give {float(due):g}"
        return ""
