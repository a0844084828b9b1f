"""Rare levels of codes share the weight of others, in the graph.

What few rows say of a level is chance, and anybody can claim a level. So a level of a code with fewer training rows
than a stated number is read as another level, before any feature is computed of it. It has then no weight of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from scoring.application import FieldRule, Level
from scoring.graph import Inputs
from scoring.scorecard import Scorecard

MOST_SHARE = 0.05
"""A level with this fraction of the rows is never rare, however few they are."""


class Merge(BaseModel):
    """The rare levels of one column, and the level that they are read as; None stands for a missing value."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    column: str
    levels: tuple[Level, ...]
    into: Level


Merges = tuple[Merge, ...]


def least_rows(rows: int, rare_level_rows: int) -> float:
    """Return how many rows a level needs for a weight of its own, given the training rows and the stated number."""
    return min(rare_level_rows, MOST_SHARE * rows)


def level_rows(scorecard: Scorecard, inputs: Inputs, columns: Sequence[str]) -> dict[str, dict[Level, int]]:
    """Return how many rows hold each level of each code that is read, levels that none of them holds among them.

    Args:
        scorecard: which columns are codes, and what they may hold.
        inputs: [rows], as a graph reads them.
        columns: what the graph reads, in its order.
    """
    numeric = [column for column in columns if column not in scorecard.text_columns]
    text = [column for column in columns if column in scorecard.text_columns]
    counted = {}
    for rule in scorecard.rules:
        if rule.column in columns and rule.column in scorecard.codes | scorecard.text_columns:
            counts: dict[Level, int] = dict.fromkeys(_levels(scorecard, rule), 0)
            values: NDArray[Any] = inputs.numeric
            if rule.kind == "text":
                assert inputs.text is not None
                values = inputs.text
            place = (text if rule.kind == "text" else numeric).index(rule.column)
            found, rows = np.unique(values[:, place], return_counts=True)
            for value, count in zip(found.tolist(), rows.tolist(), strict=True):
                level = (value or None) if isinstance(value, str) else None if np.isnan(value) else int(value)
                counts[level] = counts.get(level, 0) + count
            counted[rule.column] = counts
    return counted


def fit_merges(scorecard: Scorecard, inputs: Inputs, columns: Sequence[str], rare_level_rows: int) -> Merges:
    """Return which levels are rare among the rows that a model is fitted on, and what each is read as.

    Together they are one level, read as the most frequent of them; where even together they are rare, they are read as
    the most frequent level of all. A missing value is a level like others, and levels that do not occur are rare.

    Args:
        scorecard: which columns are codes, and what they may hold.
        inputs: [rows], as a graph reads them.
        columns: what the graph reads, in its order.
        rare_level_rows: a level with fewer rows is rare, unless it has a twentieth of them.
    """
    least = least_rows(len(inputs), rare_level_rows)
    merges = []
    for column, counts in level_rows(scorecard, inputs, columns).items():
        rare = {level: rows for level, rows in counts.items() if rows < least}
        if not rare:
            continue
        together = rare if sum(rare.values()) >= least else counts
        # Of levels with the same rows, the first one declared.
        into = max(together, key=lambda level: together[level])
        merges.append(Merge(column=column, levels=tuple(level for level in rare if level != into), into=into))
    return tuple(merges)


def _levels(scorecard: Scorecard, rule: FieldRule) -> tuple[Level, ...]:
    """Return what an applicant may send as this field, a missing value last."""
    return (*rule.levels, *((None,) if scorecard.may_be_missing(rule) else ()))
