"""Which statements are true of which rows, against one reference applicant: by column, in a few operations.

Each fact becomes intervals of numbers once the reference is known. Texts become numbers by a table of theirs.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from scoring.graph import Inputs
from scoring.statements import Fact, GraphStatements, Total

OTHER = -1.0
"""Stands for a text that no fact names, and that is not the reference's."""
NEVER = (math.inf, -math.inf)


@dataclass
class _Literals:
    """Intervals of columns of the extended matrix, and where a value must be missing."""

    columns: list[int] = field(default_factory=list)
    lows: list[float] = field(default_factory=list)
    highs: list[float] = field(default_factory=list)
    gaps: list[bool] = field(default_factory=list)

    def add(self, column: int, low: float, high: float, *, gap: bool = False) -> None:
        self.columns.append(column)
        self.lows.append(low)
        self.highs.append(high)
        self.gaps.append(gap)


class StatementTable:
    """The statements of a model against one reference applicant.

    Args:
        statements: of the model.
        numeric: the columns of numbers that its graph reads.
        text: its columns of text.
        reference: the applicant to compare with, one row of the graph.
    """

    def __init__(
        self, statements: GraphStatements, numeric: Sequence[str], text: Sequence[str], reference: Inputs
    ) -> None:
        self._numeric = {name: position for position, name in enumerate(numeric)}
        self._text = {name: position for position, name in enumerate(text)}
        self._bounds = statements.bounds or {}
        self._reference = reference
        flat = [(group, one) for group, several in enumerate(statements.groups) for one in several]
        facts = [fact for _, one in flat for fact in one.facts]
        self._codes = self._text_codes(facts)
        self._plan(dict.fromkeys(column for fact in facts for column in fact.columns))
        self._own = self._extended(reference)[0]
        self._compile([one.facts for _, one in flat])

        self.of_group = np.array([group for group, _ in flat], dtype=np.int64)
        """[statements], the group of each."""
        self.codes = tuple(one.code for _, one in flat)
        """[statements], in their groups' order, then as declared."""
        self.places = [np.flatnonzero(self.of_group == group).tolist() for group in range(len(statements.groups))]
        """By group, where its statements are."""
        fillable = [name for name in statements.optional if self._is_known(name)]
        numbers = [name for name in fillable if name in self._numeric]
        texts = [name for name in fillable if name in self._text]
        self._optional_numbers = np.array([self._numeric[name] for name in numbers], dtype=np.int64)
        self._optional_texts = np.array([self._text[name] for name in texts], dtype=np.int64)
        self.optional = (*numbers, *texts)
        """The fields that an applicant may leave out, and the reference has; numbers, then texts."""
        self.group_of_optional = [
            next(group for group, columns in enumerate(statements.columns) if name in columns) for name in self.optional
        ]
        self.saying_missing = [
            [
                place
                for place, (_, one) in enumerate(flat)
                if any(fact.kind == "missing" and name in fact.columns for fact in one.facts)
            ]
            for name in self.optional
        ]
        """By optional field, the statements that say it is missing."""
        columns_of = [frozenset(name for fact in one.facts for name in fact.names) for _, one in flat]
        masks = list(dict.fromkeys(columns_of))
        self.mask_of = [masks.index(columns) for columns in columns_of]
        """[statements], the number of the mask of its columns: statements about the same columns share one."""
        self.masks = len(masks)
        """How many masks statements have; those of the optional fields follow."""
        masks += [frozenset({name}) for name in self.optional]
        self._numeric_masks = np.array([[name in mask for name in numeric] for mask in masks], dtype=np.bool_)
        self._text_masks = np.array([[name in mask for name in text] for mask in masks], dtype=np.bool_)

    def hold(self, inputs: Inputs) -> NDArray[np.bool_]:
        """Return which statements are true, [rows, statements]."""
        if not self.codes:
            return np.zeros((len(inputs), 0), dtype=np.bool_)
        values = self._extended(inputs)[:, self._columns]
        literals = (values >= self._lows) & (values <= self._highs)
        if self._has_gaps:
            literals |= np.isnan(values) & self._gaps
        facts = np.logical_or.reduceat(literals, self._fact_starts, axis=1)
        if not self._several_facts:
            return np.asarray(facts)
        return np.asarray(np.logical_and.reduceat(facts, self._statement_starts, axis=1))

    def left_out(self, inputs: Inputs) -> NDArray[np.bool_]:
        """Return which optional fields are missing, of those that the reference has, [rows, optional]."""
        numbers = np.isnan(inputs.numeric[:, self._optional_numbers])
        if inputs.text is None or not len(self._optional_texts):
            return np.asarray(numbers)
        return np.concatenate([numbers, inputs.text[:, self._optional_texts] == ""], axis=1)

    def replaced(self, inputs: Inputs, rows: NDArray[np.int64], masks: NDArray[np.int64]) -> Inputs:
        """Return rows with the reference's values in the columns of a mask.

        Args:
            inputs: the rows to choose from.
            rows: [probes], which row.
            masks: [probes], as `mask_of`; from `masks` on, which optional field.
        """
        numeric = np.where(self._numeric_masks[masks], self._reference.numeric, inputs.numeric[rows])
        if inputs.text is None or self._reference.text is None:
            return Inputs(numeric)
        return Inputs(numeric, np.where(self._text_masks[masks], self._reference.text, inputs.text[rows]))

    def _text_codes(self, facts: Sequence[Fact]) -> dict[str, dict[str, float]]:
        """Return for each text column the number of each text that a fact names, or the reference has."""
        codes: dict[str, dict[str, float]] = {name: {"": math.nan} for name in self._text}
        for name, position in self._text.items():
            named = [value for fact in facts if name in fact.columns for value in fact.values if isinstance(value, str)]
            own = [] if self._reference.text is None else [str(self._reference.text[0, position])]
            for value in (*own, *named):
                codes[name].setdefault(value, float(len(codes[name])))
        return codes

    def _compile(self, statements: Sequence[Sequence[Fact]]) -> None:
        """Turn the facts of each statement into intervals, one after the other."""
        literals = _Literals()
        fact_starts: list[int] = []
        statement_starts: list[int] = []
        for facts in statements:
            statement_starts.append(len(fact_starts))
            for fact in facts:
                fact_starts.append(len(literals.columns))
                self._add(fact, literals)
                if len(literals.columns) == fact_starts[-1]:
                    literals.add(0, *NEVER)
        self._columns = np.array(literals.columns, dtype=np.int64)
        self._lows, self._highs = np.array(literals.lows), np.array(literals.highs)
        self._gaps = np.array(literals.gaps, dtype=np.bool_)
        self._has_gaps = bool(self._gaps.any())
        self._fact_starts = np.array(fact_starts, dtype=np.int64)
        self._statement_starts = np.array(statement_starts, dtype=np.int64)
        self._several_facts = len(fact_starts) > len(statements)

    def _plan(self, columns: Iterable[str | Total]) -> None:
        """Order the used columns: numbers, then totals, then texts; note where each is found."""
        columns = list(columns)
        plain = [column for column in columns if isinstance(column, str) and column in self._numeric]
        totals = [column for column in columns if isinstance(column, Total)]
        texts = [column for column in columns if isinstance(column, str) and column in self._text]
        used: list[str | Total] = [*plain, *totals, *texts]
        self._used = {column: place for place, column in enumerate(used)}
        parts = [(*total.plus, *total.minus) for total in totals]
        self._plain = len(plain)
        self._origins = np.array([self._numeric[name] for name in (*plain, *chain(*parts))], dtype=np.int64)
        self._signs = np.array([sign for one in totals for sign in (1.0,) * len(one.plus) + (-1.0,) * len(one.minus)])
        self._total_starts = np.cumsum([0, *(len(part) for part in parts[:-1])]) if parts else None
        self._texts = [(self._text[name], self._codes[name]) for name in texts]

    def _extended(self, inputs: Inputs) -> NDArray[np.float64]:
        """Return the used columns as numbers, [rows, used]; at least one column."""
        found: NDArray[np.float64] = inputs.numeric[:, self._origins].astype(np.float64)
        if self._total_starts is not None:
            # Not by a matrix product, whose bits may depend on how many rows there are.
            totals = np.add.reduceat(found[:, self._plain :] * self._signs, self._total_starts, axis=1)
            found = np.concatenate([found[:, : self._plain], totals], axis=1)
        if self._texts:
            assert inputs.text is not None
            codes = [
                [codes.get(value, OTHER) for value in inputs.text[:, origin].tolist()] for origin, codes in self._texts
            ]
            found = np.concatenate([found, np.array(codes, dtype=np.float64).T], axis=1)
        return found if self._used else np.full((len(inputs), 1), np.nan)

    def _add(self, fact: Fact, literals: _Literals) -> None:
        """Add the intervals in which a fact holds."""
        for column in fact.columns:
            place = self._used[column]
            if fact.kind == "missing":
                if not fact.compared or not np.isnan(self._own[place]):
                    literals.add(place, *NEVER, gap=True)
                continue
            for low, high in self._intervals(fact, column, float(self._own[place])):
                if low <= high:
                    literals.add(place, low, high)

    def _intervals(self, fact: Fact, column: str | Total, own: float) -> Iterator[tuple[float, float]]:
        """Yield closed intervals of one column; NaN is in none."""
        low, high = fact.within or (self._bounds.get(column) if isinstance(column, str) else None) or (
            -math.inf,
            math.inf,
        )  # fmt: skip
        comparable = fact.compared and low <= own <= high
        if fact.kind == "above":
            floors = [floor for floor in (fact.limit, own if comparable else None) if floor is not None]
            if floors:
                yield max(low, math.nextafter(max(floors), math.inf)), high
        elif fact.kind == "below":
            ceilings = [ceiling for ceiling in (fact.limit, own if comparable else None) if ceiling is not None]
            if ceilings:
                yield low, min(high, math.nextafter(min(ceilings), -math.inf))
        elif fact.kind == "differs":
            if not comparable:
                yield low, high
            else:
                yield low, math.nextafter(own, -math.inf)
                yield math.nextafter(own, math.inf), high
        else:
            values = [self._number(column, value) for value in fact.values]
            if fact.kind == "lower":
                values = values[: values.index(own)] if own in values else []
            elif fact.compared and own in values:
                values = []
            yield from ((value, value) for value in values)

    def _number(self, column: str | Total, value: float | str) -> float:
        return self._codes[str(column)][value] if isinstance(value, str) else float(value)

    def _is_known(self, name: str) -> bool:
        if name in self._numeric:
            return not np.isnan(self._reference.numeric[0, self._numeric[name]])
        return self._reference.text is not None and self._reference.text[0, self._text[name]] != ""
