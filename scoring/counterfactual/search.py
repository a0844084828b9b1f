"""The smallest change to an application that would have been approved.

Only fields that the scorecard declares changeable, within their bounds. First one field alone, then two together,
and so on: the first number of fields with an approved change decides, and of its changes the smallest wins.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import combinations
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from scoring.application import Application
from scoring.changeable import MOST_COMBINATIONS
from scoring.counterfactual.answer import Change, Counterfactual
from scoring.counterfactual.steps import (
    OwnField,
    Step,
    combinations_of,
    own_fields,
    searched_field,
    smallness,
    spaced,
    why_nothing,
)
from scoring.decision_rules import declined
from scoring.graph import Inputs
from scoring.scorecard import Scorecard

ROWS = 512
"""In one session call: what is scored beyond the smallest approved change is wasted."""
Changes: TypeAlias = Sequence[tuple[OwnField, NDArray[Any]]]
"""New values by field, one for each row."""


def smallest_change(
    scorecard: Scorecard,
    application: Application,
    columns: Sequence[str],
    row: Inputs,
    score: Callable[[Inputs], NDArray[np.float32]],
    cutoff: float,
) -> Counterfactual | None:
    """Return the smallest change that brings the PD below the cut-off: fewest fields, then the least sum of changes.

    A change of a number counts as its share of the range between the bounds, of a text as 1. Where there are more
    than 20,000 combinations of steps, evenly spaced ones are tried, the bounds among them; each number of the best
    change of each set of fields then goes back towards the applicant's own by bisection, as long as it stays approved.

    Args:
        scorecard: the product; says what can be changed.
        application: what was sent.
        columns: of the graph: numbers, history, then text, as in `Frame`.
        row: the application's row of the graph's inputs, one row.
        score: PD of each row, which must not depend on the other rows: `Graph.score`.
        cutoff: approved is what has a PD below it.

    Returns:
        None if the application is approved as it is.
    """
    return _Search(scorecard, application, columns, row, score, cutoff).result()


class _Search:
    """One search; it counts what it has tried."""

    def __init__(
        self,
        scorecard: Scorecard,
        application: Application,
        columns: Sequence[str],
        row: Inputs,
        score: Callable[[Inputs], NDArray[np.float32]],
        cutoff: float,
    ) -> None:
        self._application = application
        self._row = row
        self._score = score
        self._cutoff = cutoff
        self._scorecard = scorecard
        self._columns = columns
        self._fields = list(own_fields(scorecard, application, columns, row))
        self._rules = {rule.column: rule for rule in scorecard.rules}
        names = {rule.column: rule.field for rule in scorecard.rules}
        self._names = names
        self._ratios = [
            ((top, getattr(application, names[top])), (bottom, getattr(application, names[bottom])))
            for top, bottom in scorecard.held_ratios
        ]
        self._longest = max((len(way) for field in self._fields for way in field.ways), default=0)
        self._exhaustive = bool(self._fields)
        self._tried = 0

    def result(self) -> Counterfactual | None:
        if self._approved([])[0]:
            return None
        steps = self._best()
        changed = [step for step in steps if step.place >= 0]
        pd = None
        derived: list[Change] = []
        if changed:
            changes = [(step.field, _column([step])) for step in changed]
            pd = float(self._pd(changes)[0])
            assert not declined(pd, self._cutoff)
            derived = list(self._derived(changes))
            # What is told to an applicant must be something that can be sent.
            values: dict[str, Any] = {step.field.name: step.value for step in changed}
            values |= {self._names[change.field]: change.to for change in derived}
            type(self._application).model_validate({**self._application.model_dump(), **values})
        return Counterfactual(
            found=bool(changed),
            changes=[Change(field=step.field.declared.column, from_=step.field.own, to=step.value) for step in changed],
            derived=derived,
            pd=pd,
            cutoff=self._cutoff,
            searched=[searched_field(field) for field in self._fields],
            exhaustive=self._exhaustive,
            tried=self._tried,
            nothing_searched=None if self._fields else why_nothing(self._scorecard, self._columns),
        )

    def _derived(self, changes: Changes) -> Iterator[Change]:
        """Yield what follows from the changes of one row."""
        for column, values in self._followed(changes).items():
            own = getattr(self._application, self._names[column])
            to = int(values[0]) if self._rules[column].kind == "integer" else float(values[0])
            if own is not None and to != own:
                yield Change(field=column, from_=own, to=to)

    def _followed(self, changes: Changes) -> dict[str, NDArray[np.float64]]:
        """Return the values of each derived field of which a part is changed, by column, for each row.

        A field that was not sent, or has a part that was not, stays as it is.
        """
        changed = {field.declared.column: values for field, values in changes}
        followed = {}
        for derived in self._scorecard.derived:
            if changed.keys() & set(derived.parts):
                parts = {
                    part: changed[part] if part in changed else getattr(self._application, self._names[part])
                    for part in derived.parts
                }
                own = getattr(self._application, self._names[derived.column])
                values = derived.follow(self._rules[derived.column], parts)
                if own is not None:
                    followed[derived.column] = np.where(np.isnan(values), own, values)
        return followed

    def _best(self) -> list[Step]:
        """Return the smallest approved change; empty if there is none."""
        counts = range(1, len(self._fields) + 1)
        coarsest = {count: combinations_of(self._fields, count, 1) for count in counts}
        # What the bounds alone do not use up is shared out; one field alone, tried first, seldom needs its part.
        spare = MOST_COMBINATIONS - sum(coarsest.values())
        for count in counts:
            budget = coarsest[count] + spare // (len(self._fields) - count + 1)
            places = self._most_places(count, budget)
            spare -= combinations_of(self._fields, count, places) - coarsest[count]
            self._exhaustive &= places == self._longest
            found = [best for some in combinations(self._fields, count) if (best := self._best_of(some, places))]
            if found:
                return min(map(self._tightened, found) if places < self._longest else found, key=smallness)
        return []

    def _most_places(self, count: int, budget: int) -> int:
        """Return at how many places of each way the changes of so many fields can be tried within a budget."""
        places = range(1, self._longest + 1)
        return bisect_right(places, budget, key=lambda most: combinations_of(self._fields, count, most))

    def _best_of(self, fields: Sequence[OwnField], places: int) -> list[Step]:
        """Return the smallest approved change of all these fields, with so many places of each way; empty if none."""
        options = [
            [Step(field, way, place) for way in field.ways for place in spaced(len(way), places)] for field in fields
        ]
        values = [_column(steps) for steps in options]
        chosen = np.indices([len(steps) for steps in options]).reshape(len(fields), -1)
        chosen = chosen[:, self._possible(_changes(fields, values, chosen))]
        sizes = np.zeros(chosen.shape[1])
        for steps, picks in zip(options, chosen, strict=True):
            sizes += np.array([step.size for step in steps])[picks]
        # Stable, and without the last bits of a sum, so that the order of declaration decides between equals.
        order = np.argsort(np.round(sizes, 9), kind="stable")
        for start in range(0, len(order), ROWS):
            picks = chosen[:, order[start : start + ROWS]]
            self._tried += picks.shape[1]
            approved = self._approved(_changes(fields, values, picks))
            if approved.any():
                first = picks[:, approved.argmax()]
                return [steps[pick] for steps, pick in zip(options, first, strict=True)]
        return []

    def _tightened(self, steps: list[Step]) -> list[Step]:
        """Return the same change with each number as near to the applicant's own as bisection finds it approved."""
        for index, step in enumerate(steps):
            nearer = [
                [*steps[:index], replace(step, place=place), *steps[index + 1 :]] for place in range(-1, step.place)
            ]
            first = bisect_left(nearer, True, key=self._is_approved)
            steps = [*nearer, steps][first]
        return steps

    def _is_approved(self, steps: Sequence[Step]) -> bool:
        changes = [(step.field, _column([step])) for step in steps]
        return bool(self._possible(changes)[0] and self._approved(changes)[0])

    def _approved(self, changes: Changes) -> NDArray[np.bool_]:
        # As float64, or the cut-off would be rounded to float32 before the comparison.
        approved: NDArray[np.bool_] = ~declined(self._pd(changes), self._cutoff)
        return approved

    def _possible(self, changes: Changes) -> NDArray[np.bool_]:
        """Return whether each row holds the ratios that must not rise, and the bounds of what follows from it.

        A ratio with a missing number holds by itself.
        """
        changed = {field.declared.column: values for field, values in changes}
        possible = np.ones(len(changes[0][1]), dtype=np.bool_)
        for (top, own_top), (bottom, own_bottom) in self._ratios:
            if own_top is not None and own_bottom is not None:
                possible &= changed.get(top, own_top) * own_bottom <= own_top * changed.get(bottom, own_bottom)
        for column, values in self._followed(changes).items():
            rule = self._rules[column]
            within = (values >= rule.minimum) & (values <= rule.maximum)
            possible &= within | np.isin(values, (*rule.sentinels, getattr(self._application, rule.field)))
        return possible

    def _pd(self, changes: Changes) -> NDArray[np.float32]:
        """Return the PD of each row of changed values, given by column."""
        rows = self._row.resized(len(changes[0][1]) if changes else 1)
        for field, values in changes:
            target = rows.text if isinstance(field.own, str) else rows.numeric
            if field.position is not None:
                assert target is not None
                target[:, field.position] = values
        for column, followed in self._followed(changes).items():
            if column in self._columns:
                rows.numeric[:, self._columns.index(column)] = followed
        return self._score(rows)


def _column(steps: Sequence[Step]) -> NDArray[Any]:
    """Return the values of steps of one field."""
    return np.array([step.value for step in steps], dtype=object if isinstance(steps[0].field.own, str) else np.float64)


def _changes(fields: Sequence[OwnField], values: Sequence[NDArray[Any]], picks: NDArray[np.int64]) -> Changes:
    return [(field, options[places]) for field, options, places in zip(fields, values, picks, strict=True)]
