"""Intervals of figures: percentiles of resamples, strata, and the text of an estimate."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.evaluation.intervals import (
    classes,
    estimate,
    format_estimate,
    percentile_interval,
    resample,
    stratified_estimates,
)


def test_the_interval_leaves_the_same_share_of_resamples_out_at_both_ends() -> None:
    low, high = percentile_interval(np.arange(101.0), 0.9)
    assert (low, high) == pytest.approx((5, 95))


def test_intervals_of_several_figures_are_those_of_each() -> None:
    drawn = np.random.default_rng(0).normal(size=(200, 3))
    low, high = percentile_interval(drawn)
    for column in range(3):
        assert estimate(0.0, drawn[:, column]) == {"value": 0.0, "low": low[column], "high": high[column]}


@given(labels=st.lists(st.sampled_from([0, 1]), min_size=2, max_size=40).filter(lambda labels: len(set(labels)) == 2))
def test_a_resample_has_as_many_rows_of_each_class(labels: list[int]) -> None:
    known = np.array(labels)
    drawn = resample(classes(known), np.random.default_rng(1))
    assert np.bincount(known[drawn]).tolist() == np.bincount(known).tolist()


def test_a_figure_that_the_classes_settle_has_no_width() -> None:
    labels = np.array([0, 0, 0, 1])
    found = stratified_estimates(lambda rows: {"share": float(labels[rows].mean())}, labels, resamples=20, seed=3)
    assert found == {"share": {"value": 0.25, "low": 0.25, "high": 0.25}}


def test_about_as_many_intervals_as_promised_hold_the_mean() -> None:
    generator = np.random.default_rng(5)
    held = 0
    for seed in range(100):
        values = generator.normal(size=200)
        labels = np.repeat([0, 1], 100)

        def mean(rows: np.ndarray, values: np.ndarray = values) -> dict[str, float]:
            return {"mean": float(values[rows].mean())}

        found = stratified_estimates(mean, labels, resamples=200, seed=seed, confidence=0.8)["mean"]
        held += found["low"] <= 0 <= found["high"]
    assert 70 <= held <= 90


def test_an_estimate_reads_value_low_and_high_in_one_format() -> None:
    assert format_estimate({"value": 0.5, "low": -0.25, "high": 1}, "+.2f") == "+0.50 (-0.25 to +1.00)"
