"""The population stability index, by its formula."""

from __future__ import annotations

import math

import numpy as np
import pytest

from scoring.stability import population_stability_index, stability_of_counts


def test_the_index_is_the_sum_over_the_bins() -> None:
    expected = (0.4 - 0.5) * math.log(0.4 / 0.5) + (0.6 - 0.5) * math.log(0.6 / 0.5)
    assert stability_of_counts(np.array([50, 50]), np.array([40, 60])) == pytest.approx(expected)


def test_a_bin_that_is_empty_on_one_side_counts_half_a_row_and_one_empty_on_both_nothing() -> None:
    alone = stability_of_counts(np.array([10, 0]), np.array([5, 5]))
    assert alone == pytest.approx((0.5 - 1) * math.log(0.5 / 1) + (0.5 - 0.05) * math.log(0.5 / 0.05))
    assert stability_of_counts(np.array([10, 0, 0]), np.array([5, 5, 0])) == alone


def test_the_same_numbers_have_no_index_and_others_the_more_the_further_they_lie() -> None:
    numbers = np.random.default_rng(0).normal(size=5_000)
    indices = [population_stability_index(numbers, numbers + shift) for shift in (0, 0.25, 0.5, 1)]
    assert indices[0] == 0
    assert indices == sorted(indices)
    assert indices[1] == pytest.approx(0.25**2, rel=0.2)
