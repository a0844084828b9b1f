"""What statements are true of: by column, as each fact says it of one row."""

from __future__ import annotations

import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from scoring.facts import StatementTable
from scoring.graph import Inputs
from scoring.statements import (
    Fact,
    GraphStatement,
    GraphStatements,
    Total,
    above,
    below,
    differs,
    equal,
    lower,
    missing,
)

NUMERIC, TEXT = ("A", "B", "DAYS"), ("T",)
ORDER = ("low", "middle", "high")
SENTINEL = 999.0
BOUNDS = {"DAYS": (-10.0, 10.0)}

numbers = st.sampled_from([-5.0, -1.0, 0.0, 1.0, 2.5, 5.0, math.nan])
days = st.sampled_from([-5.0, 0.0, 5.0, SENTINEL, math.nan])
texts = st.sampled_from(["", *ORDER, "else"])
rows = st.tuples(numbers, numbers, days, texts)
compared = st.booleans()
facts = st.one_of(
    st.builds(lambda limit, c: above("A", "DAYS", floor=limit, compared=c), st.sampled_from([0.0, 1.0]), compared),
    st.just(above("A", "B")),
    st.builds(lambda limit, c: below("B", "DAYS", ceiling=limit, compared=c), st.sampled_from([0.0, 1.0]), compared),
    st.just(below("DAYS")),
    st.just(above("A", within=(-1.0, 2.5))),
    st.builds(lambda c: equal(("A", "DAYS"), 0, SENTINEL, compared=c), compared),
    st.builds(lambda c: equal("T", "low", "high", compared=c), compared),
    st.just(differs("A", "T")),
    st.just(differs("DAYS")),
    st.just(lower("T", *ORDER)),
    st.builds(lambda c: missing("B", "T", compared=c), compared),
    st.just(above(Total(("A", "B")))),
    st.just(below(Total(("A",), ("B",)), ceiling=0.0)),
)
Row = tuple[float, float, float, str]


def table(statements: list[list[tuple[Fact, ...]]], reference: Row, optional: tuple[str, ...] = ()) -> StatementTable:
    made = GraphStatements(
        tuple(tuple(GraphStatement(f"S{place}", when) for place, when in enumerate(group)) for group in statements),
        tuple((*NUMERIC, *TEXT) for _ in statements),
        optional,
        BOUNDS,
    )
    return StatementTable(GraphStatements.from_json(made.to_json()), NUMERIC, TEXT, inputs([reference]))


def inputs(several: list[Row]) -> Inputs:
    numeric = np.array([row[:3] for row in several], dtype=np.float32)
    return Inputs(numeric, np.array([[row[3]] for row in several], dtype=object))


def value_of(column: str | Total, row: Row) -> float | str | None:
    """None where it is missing."""
    if isinstance(column, Total):
        parts = [value_of(name, row) for name in (*column.plus, *column.minus)]
        signs = [1] * len(column.plus) + [-1] * len(column.minus)
        return None if None in parts else sum(float(p) * s for p, s in zip(parts, signs, strict=True) if p is not None)
    value = row[(*NUMERIC, *TEXT).index(column)]
    return None if value == "" or (isinstance(value, float) and math.isnan(value)) else value


def is_true(fact: Fact, row: Row, reference: Row) -> bool:
    """The meaning of a fact, in words of Python's."""
    for column in fact.columns:
        own, other = value_of(column, row), value_of(column, reference)
        low, high = fact.within or (BOUNDS.get(column) if isinstance(column, str) else None) or (-math.inf, math.inf)

        def usual(value: float | str | None, low: float = low, high: float = high) -> bool:
            return value is not None and (isinstance(value, str) or low <= value <= high)

        if fact.kind == "missing":
            if own is None and not (fact.compared and other is None):
                return True
        elif fact.kind == "equal":
            if own in fact.values and not (fact.compared and other in fact.values):
                return True
        elif fact.kind == "lower":
            if own in fact.values and other in fact.values and fact.values.index(own) < fact.values.index(other):
                return True
        elif not usual(own):
            continue
        elif fact.kind == "differs":
            if not usual(other) or own != other:
                return True
        else:
            assert isinstance(own, float)
            limits = [] if fact.limit is None else [fact.limit]
            if fact.compared and usual(other):
                assert isinstance(other, float)
                limits.append(other)
            if limits and (own > max(limits) if fact.kind == "above" else own < min(limits)):
                return True
    return False


@given(st.lists(st.lists(st.lists(facts, min_size=1, max_size=3), max_size=3), min_size=1, max_size=3), st.data())
def test_a_statement_is_true_where_every_fact_of_it_is(groups: list[list[list[Fact]]], data: st.DataObject) -> None:
    reference = data.draw(rows)
    several = data.draw(st.lists(rows, max_size=6))
    made = table([[tuple(when) for when in group] for group in groups], reference)
    found = made.hold(inputs(several) if several else inputs([reference])[:0])
    expected = [
        [all(is_true(fact, row, reference) for fact in when) for group in groups for when in group] for row in several
    ]
    assert found.tolist() == expected
    assert made.of_group.tolist() == [number for number, group in enumerate(groups) for _ in group]


def test_a_field_is_left_out_where_it_is_missing_and_the_reference_has_it() -> None:
    made = table([[(missing("B"),), (missing("B", "T"),)]], (1.0, 2.0, math.nan, "low"), ("B", "DAYS", "T"))
    assert made.optional == ("B", "T")
    assert made.saying_missing == [[0, 1], [1]]
    gone = inputs([(1.0, math.nan, 0.0, "low"), (1.0, 2.0, math.nan, ""), (1.0, 2.0, 0.0, "high")])
    assert made.left_out(gone).tolist() == [[True, False], [False, True], [False, False]]
    filled = made.replaced(gone, np.array([0, 1]), np.array([made.masks, made.masks + 1]))
    assert filled.numeric.tolist()[0] == [1.0, 2.0, 0.0]
    assert filled.text is not None
    assert filled.text.tolist() == [["low"], ["low"]]


def test_a_fact_of_columns_that_no_graph_reads_never_holds() -> None:
    fact = above("A", "C", floor=0).restricted(("A", "B"))
    assert fact.columns == ("A",)
    assert above(Total(("A", "C"))).restricted(("A", "B")).columns == ()
    assert not table([[(above("C").restricted(NUMERIC),)]], (0.0, 0.0, 0.0, "low")).hold(inputs([(9.0, 9.0, 9.0, "")]))[
        0
    ]
