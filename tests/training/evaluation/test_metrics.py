from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import ks_2samp

from training.evaluation.metrics import bootstrap, calibration_error, point_metrics, reliability

GENERATOR = np.random.default_rng(4)
PD = GENERATOR.uniform(0.02, 0.9, 2_000)
LABELS = (GENERATOR.random(2_000) < PD).astype(np.int64)


def test_metrics_are_those_of_independent_formulas() -> None:
    metrics = point_metrics(LABELS, PD)
    good, bad = PD[LABELS == 0], PD[LABELS == 1]
    auc = (bad[:, None] > good[None, :]).mean()
    assert metrics["auc"] == pytest.approx(auc)
    assert metrics["gini"] == pytest.approx(2 * auc - 1)
    assert metrics["ks"] == pytest.approx(ks_2samp(good, bad).statistic)
    assert metrics["brier"] == pytest.approx(((PD - LABELS) ** 2).mean())


def test_a_perfect_score_gets_the_best_value_of_every_metric() -> None:
    metrics = point_metrics(np.array([0, 0, 1, 1]), np.array([0.0, 0.0, 1.0, 1.0]))
    assert metrics == pytest.approx(
        {
            "auc": 1,
            "gini": 1,
            "ks": 1,
            "average_precision": 1,
            "brier": 0,
            "log_loss": 0,
            "expected_calibration_error": 0,
        },
        abs=1e-9,
    )


def test_a_score_that_is_a_tenth_too_high_has_a_calibration_error_of_a_tenth() -> None:
    labels = np.tile([0, 0, 0, 1], 1_000)
    assert calibration_error(labels, np.full(4_000, 0.35), bins=1) == pytest.approx(0.1)


@given(st.integers(2, 40))
def test_reliability_bins_hold_every_row_once(bins: int) -> None:
    parts = reliability(LABELS, PD, bins)
    assert sum(part["rows"] for part in parts) == len(PD)
    means = [part["mean_pd"] for part in parts]
    assert means == sorted(means)


def test_intervals_hold_the_value_and_repeat_for_a_seed() -> None:
    estimates = bootstrap(LABELS, PD, resamples=50, seed=9)
    assert estimates == bootstrap(LABELS, PD, resamples=50, seed=9)
    assert estimates != bootstrap(LABELS, PD, resamples=50, seed=10)
    for name in ("auc", "gini", "brier", "average_precision"):
        assert estimates[name]["low"] < estimates[name]["value"] < estimates[name]["high"], name


def test_intervals_narrow_with_more_rows() -> None:
    few = bootstrap(LABELS[:200], PD[:200], resamples=50, seed=9)["auc"]
    many = bootstrap(LABELS, PD, resamples=50, seed=9)["auc"]
    assert many["high"] - many["low"] < few["high"] - few["low"]
