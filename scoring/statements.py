"""Statements: the sentences of a reason group, each with the facts under which it is true of an applicant.

A fact looks at the applicant's own columns, and by default at those of the reference applicant too: an income is too
low where it is lower than that of the applicant who is approved. `scoring.facts` tells for many rows which hold.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import TypeAdapter

from scoring.application import FieldRule

CODE = r"[A-Z][A-Z0-9]*(_[A-Z0-9]+)*"
"""The form of the code of a reason group, and of a statement."""


@dataclass(frozen=True, slots=True)
class Total:
    """The sum of columns, less that of others; missing where one of them is."""

    plus: tuple[str, ...]
    minus: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Fact:
    """A condition that holds where at least one of its columns bears it out."""

    kind: Literal["above", "below", "equal", "differs", "lower", "missing"]
    columns: tuple[str | Total, ...]
    limit: float | None = None
    """The number that an `above` exceeds and a `below` falls short of."""
    values: tuple[float | str, ...] = ()
    """The values of an `equal`; the order of a `lower`, which rises."""
    within: tuple[float, float] | None = None
    """Bounds beyond which a number is a code for something else, and bears nothing out."""
    compared: bool = True
    """Whether it holds only where the same cannot be said of the reference applicant."""

    @property
    def names(self) -> tuple[str, ...]:
        """The columns that it looks at."""
        return tuple(
            name
            for column in self.columns
            for name in ((column,) if isinstance(column, str) else (*column.plus, *column.minus))
        )

    def restricted(self, columns: Iterable[str]) -> Fact:
        """Return the fact of a graph that reads these columns only; it may be left with none, and never holds then."""
        read = set(columns)
        kept = [one for one in self.columns if read.issuperset(Fact(self.kind, (one,)).names)]
        return Fact(self.kind, tuple(kept), self.limit, self.values, self.within, self.compared)


def above(
    *columns: str | Total,
    floor: float | None = None,
    within: tuple[float, float] | None = None,
    compared: bool = True,
) -> Fact:
    """Hold where a number is above the reference's and above `floor`; where the reference has none, above `floor`."""
    return Fact("above", columns, floor, (), within, compared)


def below(
    *columns: str | Total,
    ceiling: float | None = None,
    within: tuple[float, float] | None = None,
    compared: bool = True,
) -> Fact:
    """Hold where a number is below the reference's and below `ceiling`; where the reference has none, the latter."""
    return Fact("below", columns, ceiling, (), within, compared)


def equal(columns: str | Sequence[str], *values: float | str, compared: bool = True) -> Fact:
    """Hold where a column has one of these values, and the reference has none of them in it."""
    exact = tuple(value if isinstance(value, str) else float(value) for value in values)
    return Fact("equal", (columns,) if isinstance(columns, str) else tuple(columns), None, exact, None, compared)


def differs(*columns: str) -> Fact:
    """Hold where a column has a value, and not the reference's: for sentences that name no direction."""
    return Fact("differs", columns)


def lower(column: str, *order: str) -> Fact:
    """Hold where a text comes before the reference's in this order, which rises."""
    return Fact("lower", (column,), None, order)


def missing(*columns: str, compared: bool = True) -> Fact:
    """Hold where a column is missing, and not for the reference."""
    return Fact("missing", columns, None, (), None, compared)


@dataclass(frozen=True, slots=True)
class Statement:
    """One thing that a reason can say: a sentence, true of an applicant for whom every fact holds."""

    code: str
    """Stable, in upper snake case, and unique in its group: TOO_HIGH."""
    sentence: str
    when: Fact | tuple[Fact, ...]

    @property
    def facts(self) -> tuple[Fact, ...]:
        """The facts, one or several."""
        return self.when if isinstance(self.when, tuple) else (self.when,)


@dataclass(frozen=True, slots=True)
class GraphStatement:
    """The statement as an explain graph holds it: its facts, of the columns that the graph reads."""

    code: str
    facts: tuple[Fact, ...]


@dataclass(frozen=True, slots=True)
class GraphStatements:
    """The statements of a model, as its explain graph holds them."""

    groups: tuple[tuple[GraphStatement, ...], ...]
    """By reason group; without any, the group has one sentence that claims nothing."""
    columns: tuple[tuple[str, ...], ...]
    """By reason group, what the graph reads of it."""
    optional: tuple[str, ...] = ()
    """The fields that an applicant may leave out, and could fill."""
    bounds: Mapping[str, tuple[float, float]] | None = None
    """The bounds of all other values, of columns with sentinels."""

    def to_json(self) -> str:
        """Return it as JSON."""
        return _ADAPTER.dump_json(self, exclude_none=True).decode()

    @classmethod
    def from_json(cls, content: str) -> GraphStatements:
        """Return what `to_json` made.

        Raises:
            ValueError: it is something else.
        """
        return _ADAPTER.validate_json(content)


_ADAPTER = TypeAdapter(GraphStatements)


def graph_statements(
    groups: Iterable[tuple[Sequence[str], Sequence[Statement]]], rules: Iterable[FieldRule], fillable: Iterable[str]
) -> GraphStatements:
    """Return the statements of a graph.

    Args:
        groups: the columns that the graph reads of each reason group, and the group's statements.
        rules: of the application.
        fillable: the fields that an applicant may leave out.
    """
    of_graph = []
    columns_of = []
    for columns, statements in groups:
        columns_of.append(tuple(columns))
        of_graph.append(
            tuple(
                GraphStatement(statement.code, tuple(fact.restricted(columns) for fact in statement.facts))
                for statement in statements
            )
        )
    read = {name for columns in columns_of for name in columns}
    return GraphStatements(
        tuple(of_graph),
        tuple(columns_of),
        tuple(name for name in fillable if name in read),
        {rule.column: (rule.minimum, rule.maximum) for rule in rules if rule.sentinels and rule.column in read},
    )


def statements_fault(
    code: str, columns: Sequence[str], statements: Sequence[Statement], rules: Mapping[str, FieldRule]
) -> str | None:
    """Return what is wrong with the statements of a reason group with these columns; None for nothing.

    Args:
        code: of the group.
        columns: of the group.
        statements: of the group, at least one.
        rules: of the application's fields by column; columns of the history have none.
    """
    codes = [statement.code for statement in statements]
    for statement in statements:
        named = f"statement {statement.code} of {code}"
        if not re.fullmatch(CODE, statement.code) or codes.count(statement.code) > 1:
            return f"{named} is there twice, or its code is not one such as TOO_HIGH"
        if not statement.sentence.strip() or not statement.facts:
            return f"{named} has no sentence, or no fact"
        for fact in statement.facts:
            if fault := _fact_fault(fact, columns, rules):
                return f"{named}: {fault}"
    facts = [fact for statement in statements for fact in statement.facts]
    spoken = {name for fact in facts for name in fact.names}
    gaps = {name for fact in facts if fact.kind == "missing" for name in fact.names}
    equals = {(name, value) for fact in facts if fact.kind == "equal" for name in fact.names for value in fact.values}
    for column in columns:
        rule = rules.get(column)
        if column not in spoken:
            return f"no statement of {code} speaks of {column}"
        if rule is not None and not rule.required and column not in gaps:
            return f"{column} may be missing, and no statement of {code} says so"
        for sentinel in rule.sentinels if rule else ():
            if (column, sentinel) not in equals:
                return f"{column} may be {sentinel}, and no statement of {code} says what that means"
    return None


def _fact_fault(fact: Fact, columns: Sequence[str], rules: Mapping[str, FieldRule]) -> str | None:
    """Return what is wrong with a fact of a group with these columns."""
    if foreign := [name for name in fact.names if name not in columns]:
        return f"{foreign[0]} is no column of the group"
    for name in fact.names:
        rule = rules.get(name)
        is_text = rule is not None and rule.kind == "text"
        if fact.kind in ("above", "below") and is_text:
            return f"{name} is text, which is neither above nor below anything"
        if fact.kind == "lower" and not is_text:
            return f"{name} is no text, which `lower` compares"
        if fact.kind not in ("equal", "lower") or rule is None:
            continue
        for value in fact.values:
            if value not in rule.choices if is_text else not _is_number(rule, value):
                return f"{name} is never {value!r}"
    if not fact.compared and fact.kind in ("above", "below") and fact.limit is None:
        return "a fact that is not compared needs a limit"
    return None


def _is_number(rule: FieldRule, value: Any) -> bool:
    """Return whether a field may have this number."""
    return not isinstance(value, str) and (value in rule.sentinels or rule.minimum <= value <= rule.maximum)
