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
ENOUGH = 0.5
"""The fraction of the largest fall of the PD that makes a statement, declared before the one that brings it, the one
that is said: the general ones, which come last, speak where the special ones do not account for it."""
PROBED_ROWS = 4096
"""Rows that one session call scores with some of the reference's values."""


@dataclass(frozen=True, slots=True)
class ChosenReasons:
    """The reasons of some rows."""

    principal: list[tuple[int, ...]]
    """For each row, the groups to state if it is declined, the weightiest first."""
    statements: list[dict[int, int]]
    """For each row, by group: the statement, by its place among the model's; none where the group claims nothing."""
    fillable: list[dict[int, list[str]]]
    """For each row, by group: the missing fields of which each alone, filled, would have been enough."""


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
        self._groups = range(explainer.statable)
        self._cutoff = cutoff
        empty = ((),) * len(explainer.groups)
        # A model without statements, of an earlier version, chooses as it did: so its decisions replay.
        statements = explainer.statements or GraphStatements(empty, empty)
        self.table = StatementTable(statements, explainer.numeric_columns, explainer.text_columns, reference.inputs)
        self._places = self.table.places[: explainer.statable]
        self._silent = {group for group in self._groups if not self._places[group]}
        """Groups of one sentence only, which claims nothing."""

    def statement(self, place: int | None) -> str | None:
        """Return the code of a statement."""
        return None if place is None else self.table.codes[place]

    def choose(
        self, inputs: Inputs, found: Explanation, pd: NDArray[np.float32], *, every: bool = False
    ) -> ChosenReasons:
        """Return the reasons of each row.

        Args:
            inputs: the rows.
            found: their explanation against the reference.
            pd: [rows], their PDs. The missing fields of a declined row are filled, one at a time.
            every: whether statements are chosen for every group that speaks for a default, not the principal ones only.
        """
        true = self.table.hold(inputs).tolist()
        fillable, statements = self._filled(inputs, pd, true)
        holding = [[[place for place in places if row[place]] for places in self._places] for row in true]
        statable = [{*self._silent, *(group for group in self._groups if groups[group])} for groups in holding]
        principal = principal_reasons(found.contributions[:, : len(self._groups)], found.values, statable, fillable)
        asked: Sequence[Collection[int]] = principal
        if every:
            asked = [
                [group for group, weight in enumerate(weights) if weight > NEGLIGIBLE]
                for weights in found.contributions[:, : len(self._groups)].tolist()
            ]
        self._add_statements(inputs, pd, holding, asked, statements)
        return ChosenReasons(principal, statements, fillable)

    def _filled(
        self, inputs: Inputs, pd: NDArray[np.float32], true: Sequence[Sequence[bool]]
    ) -> tuple[list[dict[int, list[str]]], list[dict[int, int]]]:
        """Return for each row the missing fields that alone are enough, and the statements that say so, by group."""
        table = self.table
        fillable: list[dict[int, list[str]]] = [{} for _ in range(len(inputs))]
        statements: list[dict[int, int]] = [{} for _ in range(len(inputs))]
        if not table.optional:
            return fillable, statements
        rows, fields = np.nonzero(table.left_out(inputs) & declined(pd, self._cutoff)[:, None])
        if not len(rows):
            return fillable, statements
        scores = self._scores(inputs, rows, fields + table.masks)
        enough = np.flatnonzero(~declined(scores, self._cutoff))
        # Of several fields of a group the one that lowers the PD most is spoken of.
        for probe in enough[np.argsort(scores[enough], kind="stable")].tolist():
            row, field = int(rows[probe]), int(fields[probe])
            group = table.group_of_optional[field]
            fillable[row].setdefault(group, []).append(table.optional[field])
            saying = next((place for place in table.saying_missing[field] if true[row][place]), None)
            if saying is not None:
                statements[row].setdefault(group, saying)
        return fillable, statements

    def _add_statements(
        self,
        inputs: Inputs,
        pd: NDArray[np.float32],
        holding: Sequence[Sequence[Sequence[int]]],
        asked: Sequence[Collection[int]],
        statements: list[dict[int, int]],
    ) -> None:
        """Add the statement of each group that is asked for.

        It is the first that is true and whose columns, with the reference's values, lower the PD by at least half of
        what the best of the group's true statements does.
        """
        mask_of = self.table.mask_of
        rows: list[int] = []
        masks: list[int] = []
        open_questions: list[tuple[int, int, list[int]]] = []
        for row, groups in enumerate(asked):
            said = statements[row]
            for group in groups:
                places = holding[row][group]
                if not places or group in said:
                    continue
                # Of statements about the same columns the first one is said.
                firsts = sorted({mask_of[place]: place for place in reversed(places)}.values())
                if len(firsts) == 1:
                    said[group] = places[0]
                    continue
                open_questions.append((row, group, firsts))
                rows += [row] * len(firsts)
                masks += [mask_of[place] for place in firsts]
        if not rows:
            return
        scores = self._scores(inputs, np.array(rows), np.array(masks)).tolist()
        own = pd.tolist()
        start = 0
        for row, group, firsts in open_questions:
            of_group = scores[start : start + len(firsts)]
            start += len(firsts)
            enough = own[row] - ENOUGH * (own[row] - min(of_group))
            statements[row][group] = next(
                place for place, score in zip(firsts, of_group, strict=True) if score <= max(enough, min(of_group))
            )

    def _scores(self, inputs: Inputs, rows: NDArray[np.int64], masks: NDArray[np.int64]) -> NDArray[np.float32]:
        """Return the PD of each probe, as `StatementTable.replaced` makes it."""
        if len(rows) <= PROBED_ROWS:
            return self._graph.score(self.table.replaced(inputs, rows, masks))
        starts = range(0, len(rows), PROBED_ROWS)
        return np.concatenate(
            [
                self._scores(inputs, rows[start : start + PROBED_ROWS], masks[start : start + PROBED_ROWS])
                for start in starts
            ]
        )


def principal_reasons(
    contributions: NDArray[np.float32],
    values: Values,
    statable: Sequence[Collection[int]],
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
        statable: by row, the groups with something true to say.
        required: by row, groups that are stated in any case.
    """
    return [
        _principal(
            {group: weight for group, weight in enumerate(weights) if weight > NEGLIGIBLE},
            groups,
            {group: weights[group] for group in needed},
            row,
        )
        # As Python's numbers, which compare faster than those of an array.
        for weights, row, groups, needed in zip(
            contributions.tolist(), values.tolist(), statable, required or [()] * len(values), strict=True
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
