"""Choose the reasons to state: the principal groups, and for each the statement that the applicant's fields bear out.

A model's explain graph holds its statements. A group of which none is true of a row is not stated for that row. A
group in which one missing field, filled as the reference has it, would make a decline an approval is always stated,
and says that the field is missing.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from scoring.decision_rules import declined
from scoring.facts import StatementTable
from scoring.graph import Graph, Inputs
from scoring.reasons import Explainer, Explanation, Reference, Values
from scoring.statements import GraphStatements

MOST_PRINCIPAL = 4
"""Reasons that are stated with a decision at most, as is usual under Regulation B; more only if more fields that an
applicant left out would each have been enough."""
MINOR = 0.1
"""The fraction of the first reason's contribution below which none is principal, if the others suffice."""
NEGLIGIBLE = 1e-9
"""Contributions up to here are what rounding in double leaves of a group that changes nothing.

A decline always has more against it: two float32 PDs that differ are further apart.
"""
PROBED_ROWS = 4096
"""Rows that one session call scores with some of the reference's values."""


@dataclass(frozen=True, slots=True)
class ChosenReasons:
    """The reasons of some rows."""

    principal: list[tuple[int, ...]]
    """For each row, the groups to state if it is declined, the weightiest first."""
    statements: list[dict[int, int]]
    """For each row and group with something to say of it: the statement, by its place among the model's."""
    fillable: list[dict[int, list[str]]]
    """For each row and group: the missing fields of which each alone, filled, would have been enough."""


class ReasonChooser:
    """Chooses the reasons that one model states under one cut-off.

    Args:
        graph: of the PD.
        explainer: of the same model.
        reference: the applicant to compare with.
        cutoff: a PD at or above it declines.
    """

    def __init__(self, graph: Graph, explainer: Explainer, reference: Reference, cutoff: float) -> None:
        self._graph = graph
        self._statable = explainer.statable
        self._cutoff = cutoff
        empty = ((),) * len(explainer.groups)
        # A model without statements, of an earlier version, chooses as it did: so its decisions replay.
        statements = explainer.statements or GraphStatements(empty, empty)
        self.table = StatementTable(statements, explainer.numeric_columns, explainer.text_columns, reference.inputs)
        self._silent = np.array([not places for places in self.table.places], dtype=np.bool_)[: self._statable]
        """[groups that may be stated], whether the group has one sentence only, which claims nothing."""

    def statement(self, place: int | None) -> str | None:
        """Return the code of a statement."""
        return None if place is None else self.table.codes[place]

    def choose(self, inputs: Inputs, found: Explanation, *, fill: bool = True) -> ChosenReasons:
        """Return the reasons of each row.

        Args:
            inputs: the rows.
            found: their explanation against the reference.
            fill: whether missing fields are filled; only for rows that are declined.
        """
        table = self.table
        true = table.hold(inputs)
        said = (true @ table.membership)[:, : self._statable]
        speaking = found.contributions[:, : self._statable] > NEGLIGIBLE
        asked = np.zeros_like(true)
        if table.codes:
            several = np.zeros((len(inputs), table.groups), dtype=np.bool_)
            several[:, : self._statable] = (said > 1) & speaking
            asked = true & several[:, table.of_group]
        left_out = table.left_out(inputs) if fill and table.optional else np.zeros((len(inputs), 0), dtype=np.bool_)
        statements, fillable = self._probed(inputs, true, asked, left_out)
        statable = (said > 0) | self._silent
        principal = principal_reasons(
            found.contributions[:, : self._statable], found.values, statable, [set(one) for one in fillable]
        )
        for row, group in zip(*(places.tolist() for places in np.nonzero(said)), strict=True):
            if group not in statements[row]:
                statements[row][group] = next(place for place in table.places[group] if true[row, place])
        return ChosenReasons(principal, statements, fillable)

    def _probed(
        self, inputs: Inputs, true: NDArray[np.bool_], asked: NDArray[np.bool_], left_out: NDArray[np.bool_]
    ) -> tuple[list[dict[int, int]], list[dict[int, list[str]]]]:
        """Return for each row the best of several true statements of a group, and the fields that alone are enough.

        Of several statements the one is best whose columns, with the reference's values, lower the PD most; of equal
        ones the first. Where a field alone is enough, the statement is one that says it is missing.
        """
        table = self.table
        statements: list[dict[int, int]] = [{} for _ in range(len(inputs))]
        fillable: list[dict[int, list[str]]] = [{} for _ in range(len(inputs))]
        rows, masks = np.nonzero(np.concatenate([asked, left_out], axis=1))
        if not len(rows):
            return statements, fillable
        scores = self._scores(inputs, rows, masks)
        approved = ~declined(scores, self._cutoff)
        best: dict[tuple[int, int], float] = {}
        forced: dict[tuple[int, int], float] = {}
        for row, mask, pd, enough in zip(
            rows.tolist(), masks.tolist(), scores.tolist(), approved.tolist(), strict=True
        ):
            if mask < len(table.codes):
                group = int(table.of_group[mask])
                if pd < best.get((row, group), 2.0):
                    best[row, group] = pd
                    statements[row][group] = mask
            elif enough:
                field = mask - len(table.codes)
                group = table.group_of_optional[field]
                fillable[row].setdefault(group, []).append(table.optional[field])
                saying = next((place for place in table.saying_missing[field] if true[row, place]), None)
                if saying is not None and pd < forced.get((row, group), 2.0):
                    forced[row, group] = pd
                    # Statements come before fields, so this is the last word.
                    statements[row][group] = saying
        return statements, fillable

    def _scores(self, inputs: Inputs, rows: NDArray[np.int64], masks: NDArray[np.int64]) -> NDArray[np.float32]:
        """Return the PD of each probe, as `StatementTable.replaced` makes it."""
        starts = range(0, len(rows), PROBED_ROWS)
        return np.concatenate(
            [
                self._graph.score(
                    self.table.replaced(inputs, rows[start : start + PROBED_ROWS], masks[start : start + PROBED_ROWS])
                )
                for start in starts
            ]
        )


def principal_reasons(
    contributions: NDArray[np.float32],
    values: Values,
    statable: NDArray[np.bool_],
    required: Sequence[Collection[int]] | None = None,
) -> list[tuple[int, ...]]:
    """Return the reasons to state for each row: groups by position, the weightiest first.

    Of all sets of up to four groups that each speak for a default, with every required one among them, and without
    which the row's log-odds are at most the reference's, the one with the largest sum of contributions. Where no set
    reaches that, the up to four groups with the largest contributions. What weighs less than a tenth of the first
    reason is left out where the others reach that without it. Where no statable group speaks for a default, any may.

    Args:
        contributions: [rows, groups that may be stated], the first of those of `values`.
        values: [rows, 2^groups], as `scoring.reasons.VALUES`.
        statable: [rows, groups that may be stated], whether there is something true to say.
        required: by row, groups that are stated in any case.
    """
    return [
        _principal(
            {group: weight for group, weight in enumerate(weights) if weight > NEGLIGIBLE},
            [group for group, is_true in enumerate(true) if is_true],
            dict.fromkeys(needed, 0.0) | {group: weights[group] for group in needed},
            row,
        )
        # As Python's numbers, which compare faster than those of an array.
        for weights, row, true, needed in zip(
            contributions.tolist(), values.tolist(), statable.tolist(), required or [()] * len(values), strict=True
        )
    ]


def _principal(
    speaking: Mapping[int, float], statable: Collection[int], required: Mapping[int, float], values: Sequence[float]
) -> tuple[int, ...]:
    """Return the same for one row: the weights of groups that speak for a default, and of those required."""
    weights = {group: weight for group, weight in speaking.items() if group in statable} | dict(required)
    weights = weights or dict(speaking)
    ranked = sorted(weights, key=weights.__getitem__, reverse=True)
    free = [group for group in ranked if group not in required]
    room = max(MOST_PRINCIPAL - len(required), 0)

    def joined(others: Sequence[int]) -> tuple[int, ...]:
        if not required:
            return tuple(others)
        return tuple(group for group in ranked if group in required or group in others)

    chosen = joined(free[:room])
    if not _reaches(chosen, values):
        sets = (joined(found) for size in range(room + 1) for found in combinations(free, size))
        enough = [found for found in sets if found and _reaches(found, values)]
        chosen = max(enough, key=lambda found: sum(weights[group] for group in found), default=chosen)
    while len(chosen) > 1:
        last = next((group for group in reversed(chosen) if group not in required), None)
        if last is None or weights[last] >= MINOR * weights[chosen[0]]:
            break
        without = tuple(group for group in chosen if group != last)
        if not _reaches(without, values):
            break
        chosen = without
    return chosen


def _reaches(groups: tuple[int, ...], values: Sequence[float]) -> bool:
    """Return whether the log-odds with the reference's values in these groups are at most the reference's."""
    left = len(values) - 1
    for group in groups:
        left -= 1 << group
    return values[left] <= values[0]
