from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from scoring.expected import DataError
from scoring.policy import Assumptions
from training.cutoff import compare_cutoffs, find, measure, possible_cutoffs

# Few values make ties; both ends are what a graph can give at most.
PD = st.one_of(st.sampled_from([0.0, 0.1, 0.25, 0.5, 1.0]), st.floats(0, 1), st.floats(0, 1, width=32))
PDS = st.lists(PD, min_size=1, max_size=12).map(np.array)
RATE = st.floats(0.01, 1)
FLOOR = st.one_of(st.sampled_from([0.0, 0.1, 0.3, 0.5, 0.7, 1.0]), st.floats(0, 1))
ASSUMPTIONS = st.builds(Assumptions, loss_given_default=RATE, margin=RATE, lowest_approval_rate=FLOOR)
FIXED = Assumptions(loss_given_default=0.75, margin=0.25)


def expected_profit(pd: NDArray[np.float64], cutoff: float, assumptions: Assumptions) -> float:
    """Per application, by the definition."""
    total = 0.0
    for value in pd.tolist():
        if value < cutoff:
            total += (1 - value) * assumptions.margin - value * assumptions.loss_given_default
    return total / len(pd)


def every_cutoff(pd: NDArray[np.float64]) -> list[float]:
    """Each PD, the next number above it, and the ends: no other cut-off can approve another set."""
    candidates = {float(value) for value in pd} | {float(np.nextafter(value, 2)) for value in pd}
    return sorted(value for value in candidates | {5e-324, 1 - 2**-53} if 0 < value < 1)


@given(pd=PDS, assumptions=ASSUMPTIONS)
def test_no_cutoff_that_approves_enough_expects_more_profit(pd: NDArray[np.float64], assumptions: Assumptions) -> None:
    permitted = [c for c in every_cutoff(pd) if np.mean(pd < c) >= assumptions.lowest_approval_rate]
    if not permitted:
        with pytest.raises(DataError, match="no cut-off below 1 approves"):
            find(pd, assumptions)
        return
    found = find(pd, assumptions)
    assert 0 < found < 1
    assert np.mean(pd < found) >= assumptions.lowest_approval_rate
    best = max(expected_profit(pd, cutoff, assumptions) for cutoff in permitted)
    assert expected_profit(pd, found, assumptions) == pytest.approx(best, abs=1e-11)


@given(pd=PDS)
def test_the_possible_cutoffs_approve_each_set_that_any_cutoff_can_and_each_once(pd: NDArray[np.float64]) -> None:
    counts = [int(np.sum(pd < cutoff)) for cutoff in possible_cutoffs(pd)]
    assert counts == sorted({int(np.sum(pd < cutoff)) for cutoff in every_cutoff(pd)})


@given(pd=PDS, loss=RATE, margin=RATE)
def test_without_a_floor_it_approves_whoever_is_expected_to_earn_something(
    pd: NDArray[np.float64], loss: float, margin: float
) -> None:
    assumptions = Assumptions(loss_given_default=loss, margin=margin)
    found = find(pd, assumptions)
    break_even = margin / (margin + loss)
    # Who is expected to earn less than rounding can tell may be on either side.
    clear = np.abs(pd - break_even) * (margin + loss) > 1e-10
    assert ((pd < found) == (pd < break_even))[clear].all()


def test_of_many_calibrated_applications_it_is_the_break_even_itself() -> None:
    pd = np.random.default_rng(0).beta(2, 6, 10_000)
    assert find(pd, FIXED) == 0.25
    assert find(pd, Assumptions(loss_given_default=0.6, margin=0.15)) == 0.2


def test_a_pd_at_the_break_even_earns_nothing_and_is_declined() -> None:
    assert find(np.array([0.1, 0.25, 0.25, 0.4]), FIXED) == 0.25
    # In floats this one is expected to earn 3e-17.
    assert find(np.array([1 / 3, 0.9]), Assumptions(loss_given_default=0.4, margin=0.2)) <= 1 / 3


def test_a_floor_goes_as_far_above_the_break_even_as_it_must_and_no_further() -> None:
    pd = np.linspace(0.05, 0.95, 10)
    found = find(pd, Assumptions(loss_given_default=0.75, margin=0.25, lowest_approval_rate=0.7))
    assert int(np.sum(pd < found)) == 7


def test_applications_of_one_pd_are_approved_or_declined_together() -> None:
    pd = np.array([0.1, *[0.3] * 8, 0.9])
    found = find(pd, Assumptions(loss_given_default=0.75, margin=0.25, lowest_approval_rate=0.2))
    assert np.sum(pd < found) == 9


def test_a_certain_default_cannot_be_approved_so_a_floor_of_everybody_is_refused() -> None:
    with pytest.raises(DataError, match=r"no cut-off below 1 approves 100.0% of 2 applications"):
        find(np.array([0.5, 1.0]), Assumptions(loss_given_default=0.75, margin=0.25, lowest_approval_rate=1.0))


def test_float32_pds_are_compared_as_the_service_compares_them() -> None:
    pd = np.array([0.1, 0.2, 0.3], dtype=np.float32)
    cutoffs = possible_cutoffs(pd)
    assert [int(np.sum(pd.astype(np.float64) < cutoff)) for cutoff in cutoffs] == [0, 1, 2, 3]


@pytest.mark.parametrize(
    ("pd", "line"),
    [
        ([], "there are no applications"),
        ([0.1, float("nan")], "a PD is not a number from 0 to 1"),
        ([0.1, 1.1], "a PD is not a number from 0 to 1"),
        ([-0.1, 0.1], "a PD is not a number from 0 to 1"),
    ],
)
def test_what_is_no_pd_is_refused(pd: list[float], line: str) -> None:
    with pytest.raises(DataError, match=line):
        find(np.array(pd), FIXED)


@pytest.mark.parametrize(
    ("labels", "cutoffs", "line"),
    [([0], [0.5], "1 labels for 2 PDs"), ([0, 2], [0.5], "neither 0 nor 1"), ([0, 1], [0.5, 0.5], "must rise")],
)
def test_labels_that_do_not_belong_to_the_pds_are_refused(labels: list[int], cutoffs: list[float], line: str) -> None:
    with pytest.raises(DataError, match=line):
        measure(np.array(labels), np.array([0.1, 0.9]), np.array(cutoffs), FIXED, resamples=20, seed=0)


ROWS = st.lists(st.tuples(st.integers(0, 1), PD), min_size=1, max_size=12)


@given(rows=ROWS, assumptions=ASSUMPTIONS)
def test_the_curve_says_of_every_cutoff_what_counting_says(
    rows: list[tuple[int, float]], assumptions: Assumptions
) -> None:
    labels, pd = np.array([label for label, _ in rows]), np.array([value for _, value in rows])
    cutoffs = np.array(every_cutoff(pd))
    curve = measure(labels, pd, cutoffs, assumptions, resamples=20, seed=0)
    gains = [-assumptions.loss_given_default if label else assumptions.margin for label in labels]
    for place, cutoff in enumerate(cutoffs.tolist()):
        approved = [row for row, value in enumerate(pd) if value < cutoff]
        assert curve.approval_rate[place] == len(approved) / len(rows)
        assert curve.expected_profit[place] == pytest.approx(expected_profit(pd, cutoff, assumptions), abs=1e-12)
        profit = sum(gains[row] for row in approved) / len(rows)
        assert curve.observed_profit[place] == pytest.approx(profit, abs=1e-12)
        bad_rates = (curve.expected_bad_rate[place], curve.observed_bad_rate[place])
        if approved:
            assert bad_rates == pytest.approx((np.mean(pd[approved]), np.mean(labels[approved])), abs=1e-12)
        else:
            assert np.isnan(bad_rates).all()


def made_up() -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Calibrated PDs and labels drawn by them."""
    generator = np.random.default_rng(3)
    pd = generator.beta(2, 6, 2_000)
    return (generator.random(len(pd)) < pd).astype(np.int64), pd


def test_the_interval_of_a_mean_profit_is_that_of_its_standard_error() -> None:
    labels, pd = made_up()
    curve = measure(labels, pd, np.array([0.1, 0.25]), FIXED, resamples=2_000, seed=1)
    for place, cutoff in enumerate((0.1, 0.25)):
        gains = np.where(labels == 1, -0.75, 0.25) * (pd < cutoff)
        error = 1.96 * gains.std() / np.sqrt(len(gains))
        assert curve.low[place] == pytest.approx(gains.mean() - error, abs=error / 10)
        assert curve.high[place] == pytest.approx(gains.mean() + error, abs=error / 10)


def test_observed_profit_of_calibrated_pds_is_what_was_expected() -> None:
    labels, pd = made_up()
    curve = measure(labels, pd, np.array([0.25]), FIXED, resamples=200, seed=1)
    assert curve.low[0] < curve.expected_profit[0] < curve.high[0]


def test_what_another_cutoff_earns_more_is_the_difference_of_both_and_surer_than_either() -> None:
    labels, pd = made_up()
    curve = measure(labels, pd, np.array([0.25, 0.3]), FIXED, resamples=500, seed=1)
    more = compare_cutoffs(labels, pd, 0.25, 0.3, FIXED, resamples=500, seed=1)
    assert more["value"] == pytest.approx(curve.observed_profit[1] - curve.observed_profit[0])
    assert more["low"] <= more["value"] <= more["high"]
    assert more["high"] - more["low"] < curve.high[0] - curve.low[0]


def test_the_same_cutoff_earns_exactly_nothing_more() -> None:
    labels, pd = made_up()
    assert compare_cutoffs(labels, pd, 0.25, 0.25, FIXED, resamples=20, seed=1) == {
        "value": 0.0,
        "low": 0.0,
        "high": 0.0,
    }
