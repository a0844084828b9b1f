"""The population stability index, on samples whose shift is known."""

from __future__ import annotations

from typing import get_args

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from inline_snapshot import snapshot

from scoring.scorecards import load, names
from scoring.stability import stability_of_counts
from training.monitoring.drift import Kind, by_chance, compare_column, drifted_share

KINDS: tuple[Kind, ...] = get_args(Kind)
Numbers = st.lists(st.integers(-50, 50).map(float), min_size=1, max_size=200)
Counts = st.lists(st.tuples(st.integers(0, 500), st.integers(0, 500)).filter(any), min_size=1, max_size=12).filter(
    lambda pairs: all(map(sum, zip(*pairs, strict=True)))
)


def normal(rows: int, shift: float = 0.0, seed: int = 0) -> pd.Series:
    return pd.Series(np.random.default_rng(seed).normal(shift, 1, rows).astype(np.float32))


def texts(**rows: int) -> pd.Series:
    return pd.Series([name for name, count in rows.items() for _ in range(count)], dtype=object)


@given(Counts)
def test_psi_is_never_negative_and_does_not_care_which_side_is_which(pairs: list[tuple[int, int]]) -> None:
    before, now = np.array(pairs, dtype=np.int64).T
    assert stability_of_counts(before, now) >= 0
    assert stability_of_counts(before, now) == pytest.approx(stability_of_counts(now, before))
    assert stability_of_counts(now, now) == 0


@given(Numbers)
def test_the_same_values_twice_have_no_psi(values: list[float]) -> None:
    column = pd.Series(values)
    for kind in KINDS:
        found = compare_column("x", kind, column, column)
        assert found.psi == 0
        assert found.status in ("stable", "constant")


@given(Numbers, Numbers)
def test_psi_of_numbers_does_not_depend_on_their_scale(reference: list[float], current: list[float]) -> None:
    """A rising function keeps every row in its bin."""
    sides = pd.Series(reference), pd.Series(current)
    found = [
        compare_column("x", "number", *changed).psi
        for changed in (
            sides,
            [3 * side + 7 for side in sides],
            [side**3 for side in sides],
            [np.exp(side / 10) for side in sides],
        )
    ]
    assert found == pytest.approx([found[0]] * 4, rel=1e-12)


@given(Numbers, Numbers)
def test_bins_hold_every_row_once(reference: list[float], current: list[float]) -> None:
    for kind in KINDS:
        found = compare_column("x", kind, pd.Series(reference), pd.Series(current))
        assert sum(part.reference for part in found.bins) == pytest.approx(1)
        assert sum(part.current for part in found.bins) == pytest.approx(1)


@pytest.mark.parametrize("shift", [0.2, 0.5, 1.0])
def test_a_normal_shift_has_nearly_the_psi_that_it_has_on_paper(shift: float) -> None:
    """The symmetric divergence of N(0, 1) and N(d, 1) is d²; ten bins see a little less."""
    found = compare_column("x", "number", normal(200_000), normal(200_000, shift, seed=1))
    assert 0.85 * shift**2 < found.psi < shift**2
    assert found.status == {0.2: "stable", 0.5: "watch", 1.0: "shifted"}[shift]


def test_chance_stays_below_its_bound_in_nearly_every_sample() -> None:
    reference = normal(20_000)
    found = [compare_column("x", "number", reference, normal(500, seed=seed)) for seed in range(1, 401)]
    # A little more than on paper, where the logarithm is a straight line.
    assert np.mean([item.psi for item in found]) == pytest.approx(9 * (1 / 20_000 + 1 / 500), rel=0.1)
    assert sum(item.psi > item.chance for item in found) <= 2


def test_two_hundred_rows_of_the_same_population_are_not_flagged() -> None:
    """With a hundred categories chance alone takes PSI above 0.25."""
    generator = np.random.default_rng(5)
    many, few = (pd.Series(generator.integers(0, 90, rows).astype(float)) for rows in (20_000, 200))
    found = compare_column("x", "category", many, few)
    assert found.psi > 0.25
    assert found.status == "stable"
    assert by_chance(90, 20_000, 200) > found.psi


def test_a_constant_column_that_takes_another_value_is_shifted() -> None:
    constant, other = pd.Series([5.0] * 1_000), pd.Series([3.0] * 1_000)
    same = compare_column("x", "number", constant, constant)
    assert (same.status, same.one_value, same.psi) == ("constant", "both", 0)
    moved = compare_column("x", "number", constant, other)
    assert (moved.status, moved.one_value) == ("shifted", "both")
    assert [part.model_dump() for part in moved.bins] == snapshot(
        [{"label": "below 5", "reference": 0.0, "current": 1.0}, {"label": "5", "reference": 1.0, "current": 0.0}]
    )
    assert compare_column("x", "number", normal(1_000), other).one_value == "current"
    assert compare_column("x", "number", constant, normal(1_000)).one_value == "reference"


def test_values_that_fill_a_tenth_are_bins_of_their_own() -> None:
    """Else a value below a heap of zeros would be counted among the zeros."""
    reference = pd.Series([0.0] * 600 + list(range(1, 401)))
    found = compare_column("x", "number", reference, pd.Series([-1.0] * 600 + list(range(1, 401))))
    assert found.status == "shifted"
    assert [part.label for part in found.bins] == snapshot(
        ["below 0", "0", "0 to 100", "100 to 200", "200 to 300", "above 300"]
    )


def test_a_column_that_is_gone_is_missing_and_one_that_never_was_there_is_not() -> None:
    gone = pd.Series([np.nan] * 800)
    found = compare_column("x", "number", normal(1_000), gone)
    assert (found.status, found.missing_reference, found.missing_current) == ("missing", 0, 1)
    assert found.drifted
    assert compare_column("x", "number", gone, gone).status == "constant"
    assert compare_column("x", "number", gone, normal(1_000)).status == "shifted"
    nearly = pd.Series([1.0] + [np.nan] * 999)
    assert compare_column("x", "number", nearly, gone).status == "stable"
    assert (
        compare_column("x", "category", texts(a=500, b=500), pd.Series([None] * 800, dtype=object)).status == "missing"
    )


def test_more_missing_values_are_a_shift() -> None:
    values = normal(2_000)
    found = compare_column("x", "number", values, values.where(values.index % 2 == 0))
    assert (found.status, found.missing_current) == ("shifted", 0.5)


def test_infinite_values_count_as_missing() -> None:
    values = normal(1_000)
    broken = values.copy()
    broken[:300] = np.inf
    broken[300:600] = -np.inf
    found = compare_column("x", "number", values, broken)
    assert found.missing_current == pytest.approx(0.6)
    assert found.status == "shifted"
    assert compare_column("x", "number", broken, broken).psi == 0


def test_unseen_categories_are_named_with_their_share() -> None:
    found = compare_column("x", "category", texts(a=600, b=400), texts(a=540, b=360, d=40, c=60))
    assert (found.unseen, found.status) == ({"c": 0.06, "d": 0.04}, "shifted")
    assert [part.model_dump() for part in found.bins] == snapshot(
        [
            {"label": "a", "reference": 0.6, "current": 0.54},
            {"label": "b", "reference": 0.4, "current": 0.36},
            {"label": "(unseen)", "reference": 0.0, "current": 0.1},
        ]
    )


def test_rare_categories_are_one_bin() -> None:
    reference = texts(a=9_000, b=940, c=30, d=30)
    found = compare_column("x", "category", reference, texts(a=9_000, b=940, c=60))
    assert [part.label for part in found.bins] == ["a", "b", "(rare)"]
    assert found.psi == 0


def test_an_integer_column_with_nulls_has_codes_for_labels() -> None:
    reference = pd.array([1, 2, None, 2] * 100, dtype="Int64").to_numpy(dtype=np.float32, na_value=np.nan)
    found = compare_column("x", "category", pd.Series(reference), pd.Series(reference))
    assert [part.label for part in found.bins] == ["1", "2", "(missing)"]
    assert found.missing_current == 0.25


def test_an_empty_sample_is_refused() -> None:
    with pytest.raises(ValueError, match="x: both samples need rows"):
        compare_column("x", "number", normal(10), normal(0))


@pytest.mark.parametrize("name", names())
def test_sample_rows_raise_no_alarm_until_they_shift(name: str) -> None:
    card = load(name)

    def drawn(seed: int, rows: int) -> pd.DataFrame:
        return pd.DataFrame(card.sample(np.random.default_rng(seed), rows))

    reference, current = drawn(1, 10_000), drawn(2, 1_000)
    moved = drawn(2, 1_000)
    rules = [rule for rule in card.rules if rule.column != card.key]
    for rule in rules:
        if rule.kind == "text":
            moved[rule.column] = rule.choices[0]
        elif rule.kind == "number":
            moved[rule.column] = moved[rule.column] * 3 + 1

    def read(rows: pd.DataFrame, column: str, kind: str) -> pd.Series:
        return rows[column] if kind == "text" else rows[column].astype(np.float32)

    def found(rows: pd.DataFrame) -> float:
        return drifted_share(
            [
                compare_column(
                    rule.column,
                    "category" if rule.kind == "text" else "number",
                    read(reference, rule.column, rule.kind),
                    read(rows, rule.column, rule.kind),
                )
                for rule in rules
            ]
        )

    assert found(current) == 0
    assert found(moved) >= 0.3
