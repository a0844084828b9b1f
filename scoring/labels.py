"""Name the fields of an application for the people who fill in a form.

A field without a label goes by its column's name, which is how programs know it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from scoring.application import FieldRule

Words = Mapping[int | str, str]

NO_OR_YES: Words = {0: "No", 1: "Yes"}


@dataclass(frozen=True, slots=True)
class Label:
    """How people know a field."""

    title: str
    unit: str = ""
    """The unit of a number, such as EUR or days."""
    words: Words = field(default_factory=dict)
    """The meaning of a code, or of a number outside the bounds, by value. A value without a word stands for itself."""
    hint: str = ""
    """Anything else that must be known to fill it in."""


def label_of(labels: Mapping[str, Label], rule: FieldRule, description: str | None) -> Label:
    """Return the label of a field: the declared one, or one made of its column's name and its description."""
    if rule.column in labels:
        return labels[rule.column]
    name = rule.column.replace("_", " ").strip() if rule.column.isupper() else rule.column
    title = name.capitalize() if name.isupper() else name[:1].upper() + name[1:]
    is_flag = rule.kind == "integer" and (rule.minimum, rule.maximum, rule.sentinels) == (0, 1, ())
    return Label(title, words=NO_OR_YES if is_flag else {}, hint=description or "")


def labels_fault(labels: Mapping[str, Label], rules: Iterable[FieldRule]) -> str | None:
    """Return what is wrong with the labels of a scorecard; None where they fit its fields."""
    by_column = {rule.column: rule for rule in rules}
    for column, label in labels.items():
        if column not in by_column:
            return f"the label of {column} is of no field"
        rule = by_column[column]
        strange = [value for value in label.words if not rule.permits(value)]
        if strange:
            return f"the label of {column} has a word for {strange[0]!r}, which its rule does not permit"
        if not label.title.strip() or not all(word.strip() for word in label.words.values()):
            return f"the label of {column} has an empty title or word"
    return None
