"""A scorecard declares which fields are changeable, and to what they can be changed."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scoring import scorecards
from scoring.application import FieldRule
from scoring.changeable import MOST_COMBINATIONS, Changeable, Value, most_coarse_combinations
from scoring.scorecards import load

CARD = load("german_credit")
RULES = {rule.column: rule for name in scorecards.names() for rule in load(name).rules}
DAYS = Changeable("DAYS_EMPLOYED", minimum=-90, maximum=0, step=30)
SAVINGS = Changeable("Savings account/bonds", "up", choices=("A61", "A62", "A63"))


def ways(changeable: Changeable, value: Value | None, maximum: float = np.inf) -> tuple[tuple[Value, ...], ...]:
    return changeable.ways(RULES[changeable.column], value, maximum)


@pytest.mark.parametrize(
    ("direction", "own", "expected"),
    [
        ("either", -45, ((-60, -90), (-30, 0))),
        ("down", -45, ((-60, -90),)),
        ("up", -45, ((-30, 0),)),
        ("either", -60, ((-90,), (-30, 0))),
        ("up", 0, ()),
        ("up", -2_000, ((-90, -60, -30, 0),)),
        ("down", -2_000, ()),
    ],
)
def test_a_number_moves_away_from_its_own_to_whole_steps_within_the_bounds(
    direction: Any, own: int, expected: tuple[tuple[int, ...], ...]
) -> None:
    assert ways(replace(DAYS, direction=direction), own) == expected


def test_a_lower_maximum_of_another_column_holds_in_both_directions() -> None:
    assert ways(DAYS, -45, maximum=-20) == ((-60, -90), (-30,))
    assert ways(DAYS, 0, maximum=-40) == ((-60, -90),)


def test_what_is_missing_or_a_sentinel_cannot_be_changed() -> None:
    assert ways(DAYS, None) == ()
    assert ways(DAYS, RULES["DAYS_EMPLOYED"].sentinels[0]) == ()
    assert ways(SAVINGS, None) == ()


@pytest.mark.parametrize(
    ("direction", "own", "expected"),
    [
        ("up", "A62", (("A63",),)),
        ("down", "A62", (("A61",),)),
        ("either", "A62", (("A61",), ("A63",))),
        ("up", "A63", ()),
        ("up", "A65", (("A61",), ("A62",), ("A63",))),
    ],
)
def test_a_text_moves_along_its_choices_and_from_beyond_them_to_each(
    direction: Any, own: str, expected: tuple[tuple[str, ...], ...]
) -> None:
    assert ways(replace(SAVINGS, direction=direction), own) == expected


@given(
    st.sampled_from(["up", "down", "either"]),
    st.integers(-500, 500),
    st.integers(1, 40),
    st.integers(1, 30),
    st.integers(-700, 700),
)
def test_ways_lead_away_in_order_and_leave_out_nothing(
    direction: Any, minimum: int, step: int, steps: int, own: int
) -> None:
    declared = Changeable("x", direction, minimum=minimum, maximum=minimum + step * steps, step=step)
    rule = FieldRule("x", "x", "integer", required=True, minimum=-1e4, maximum=1e4)
    found = declared.ways(rule, own, np.inf)
    for way in found:
        sizes = [declared.size(own, value) for value in way]
        assert sizes == sorted(sizes)
    permitted = {
        value
        for value in range(minimum, minimum + step * steps + 1, step)
        if (value > own and direction != "down") or (value < own and direction != "up")
    }
    assert sorted(value for way in found for value in way) == sorted(permitted)


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"column": "Fingerprint"}, "Fingerprint is no field"),
        ({"column": "ID"}, "ID is no field, the key or protected"),
        ({"column": "Age in years"}, "Age in years is no field, the key or protected"),
        ({"minimum": 0}, "Duration in month needs bounds that rise, within 1 and 120"),
        ({"maximum": 121}, "needs bounds that rise, within 1 and 120"),
        ({"minimum": 80}, "needs bounds that rise"),
        ({"maximum": float("nan")}, "needs bounds that rise"),
        ({"step": 0}, "needs a step above 0"),
        ({"step": -4}, "needs a step above 0"),
        ({"step": 7}, "a whole number of them between its bounds"),
        ({"step": 0.5}, "holds whole numbers"),
        ({"choices": ("A61",)}, "is a number and has no choices"),
        ({"at_most": "Telephone"}, "Telephone, a maximum of Duration in month, is no number that stays"),
        ({"at_most": "Duration in month"}, "is no number that stays"),
        ({"column": "Telephone"}, "needs different choices of the field's own"),
        ({"column": "Telephone", "choices": ("A192", "A193")}, r"not \['A193'\]"),
        ({"column": "Telephone", "choices": ("A192", "A192")}, "needs different choices"),
        ({"column": "Telephone", "choices": ("A192",)}, "is text and has no bounds"),
    ],
)
def test_a_declaration_that_contradicts_its_field_is_refused(changes: dict[str, Any], complaint: str) -> None:
    plain = Changeable("Duration in month", minimum=4, maximum=72, step=4)
    with pytest.raises(ValueError, match=complaint):
        replace(CARD, changeable=(replace(plain, **changes),))
    assert replace(CARD, changeable=(plain,)).changeable == (plain,)


def test_a_scorecard_declares_no_column_twice_and_no_more_than_can_be_searched() -> None:
    telephone = Changeable("Telephone", choices=("A191", "A192"))
    with pytest.raises(ValueError, match="declared twice"):
        replace(CARD, changeable=(telephone, telephone))
    texts = tuple(
        Changeable(rule.column, choices=rule.choices)
        for rule in CARD.rules
        if rule.kind == "text" and rule.column not in CARD.protected
    )
    with pytest.raises(ValueError, match="more than 20,000 combinations"):
        replace(CARD, changeable=texts)


@pytest.mark.parametrize("pair", [("Credit amount", "Telephone"), ("Credit amount", "Price")])
def test_a_held_ratio_is_of_two_numbers_above_0(pair: tuple[str, str]) -> None:
    with pytest.raises(ValueError, match="a held ratio is of two numbers above 0"):
        replace(CARD, held_ratios=(pair,))


@pytest.mark.parametrize("name", scorecards.names())
def test_every_scorecard_says_what_an_applicant_can_change(name: str) -> None:
    card = load(name)
    assert card.changeable
    assert most_coarse_combinations(card.changeable) < MOST_COMBINATIONS / 10, "numbers get more than their bounds"
