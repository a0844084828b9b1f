from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from scipy.special import expit
from sklearn.metrics import brier_score_loss

from training.calibration import KNOTS, LOWEST_PD, Calibration, choose, fit_isotonic, fit_platt

GENERATOR = np.random.default_rng(11)
LOG_ODDS = GENERATOR.normal(-1.3, 1.2, 6_000)


def drawn(pd: np.ndarray) -> np.ndarray:
    return (np.random.default_rng(12).random(len(pd)) < pd).astype(np.int64)


def test_platt_recovers_the_slope_and_intercept_that_bent_the_scores() -> None:
    labels = drawn(expit(0.6 * LOG_ODDS - 0.4))
    fitted = fit_platt(LOG_ODDS, labels)
    assert (fitted.slope, fitted.intercept) == pytest.approx((0.6, -0.4), abs=0.08)


def test_isotonic_wins_where_the_truth_is_a_staircase() -> None:
    truth = np.select([LOG_ODDS < -2, LOG_ODDS < 0], [0.02, 0.2], 0.8)
    calibration, brier = choose(LOG_ODDS, drawn(truth), seed=1)
    assert calibration.method == "isotonic"
    assert brier["isotonic"] < brier["platt"]


def test_platt_wins_where_the_truth_is_a_logistic_curve() -> None:
    calibration, brier = choose(LOG_ODDS, drawn(expit(0.5 * LOG_ODDS)), seed=1)
    assert calibration.method == "platt"
    assert brier["platt"] < min(brier["isotonic"], brier["none"])


@pytest.mark.parametrize("fit", [fit_platt, fit_isotonic])
def test_calibration_keeps_the_order_and_never_reaches_certainty(fit: object) -> None:
    labels = drawn(expit(LOG_ODDS))
    calibration: Calibration = fit(LOG_ODDS, labels)  # type: ignore[operator]
    pd = calibration.pd(np.sort(np.r_[LOG_ODDS, -50.0, 50.0]))
    assert (np.diff(pd) >= 0).all()
    assert pd[0] > 0
    assert pd[-1] < 1 + LOWEST_PD
    assert brier_score_loss(labels, calibration.pd(LOG_ODDS)) <= brier_score_loss(labels, expit(LOG_ODDS)) + 1e-4


def test_isotonic_has_few_knots_and_they_rise() -> None:
    knots = fit_isotonic(LOG_ODDS, drawn(expit(LOG_ODDS))).knots
    assert 2 <= len(knots) <= KNOTS
    assert all(x0 < x1 and y0 < y1 for (x0, y0), (x1, y1) in pairwise(knots))
