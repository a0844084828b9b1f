from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import ks_2samp
from sklearn import metrics as theirs

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


@given(
    st.lists(st.tuples(st.integers(0, 1), st.floats(0, 1, width=32)), min_size=2, max_size=60),
    # Few values, so that many rows share one.
    st.sampled_from([np.float32, np.float64, "rounded"]),
)
def test_metrics_are_those_of_scikit_learn(rows: list[tuple[int, float]], kind: type[np.floating] | str) -> None:
    labels = np.array([0, 1, *(label for label, _ in rows)])
    pd = np.array([0.25, 0.5, *(value for _, value in rows)])
    pd = pd.round(1) if isinstance(kind, str) else pd.astype(kind)
    exact = pd.astype(np.float64)
    false_share, recall, _ = theirs.roc_curve(labels, exact)
    metrics = point_metrics(labels, pd)
    assert metrics == pytest.approx(
        {
            "auc": theirs.roc_auc_score(labels, exact),
            "gini": 2 * theirs.roc_auc_score(labels, exact) - 1,
            "ks": (recall - false_share).max(),
            "average_precision": theirs.average_precision_score(labels, exact),
            "brier": theirs.brier_score_loss(labels, exact),
            "log_loss": theirs.log_loss(labels, exact),
            "expected_calibration_error": calibration_error(labels, exact),
        },
        rel=1e-12,
        abs=1e-12,
    )


def test_bins_are_those_of_array_split() -> None:
    for rows in (1, 7, 10, 39, 2_000):
        labels, pd = LABELS[:rows], np.sort(PD[:rows])
        parts = reliability(labels, pd)
        split = [part for part in np.array_split(np.arange(rows), 10) if len(part)]
        assert [part["rows"] for part in parts] == [len(part) for part in split]
        assert [part["mean_pd"] for part in parts] == pytest.approx([pd[part].mean() for part in split])
        assert [part["default_share"] for part in parts] == pytest.approx([labels[part].mean() for part in split])


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
