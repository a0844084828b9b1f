from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from scipy.special import expit
from sklearn.metrics import brier_score_loss

from scoring.features import raw
from scoring.graph import Graph, Inputs
from training.calibration import KNOTS, LOWEST_PD, Calibration, choose, fit_isotonic, fit_platt
from training.competition_params import CalibrationChoice
from training.families.logistic import Logistic
from training.graph.export import export_graph

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


def test_a_small_gain_does_not_pay_for_a_plateau_of_many_rows() -> None:
    """A fifth of the rows at one PD, for a gain of less than 0.4 % of the Brier score."""
    middle = np.quantile(LOG_ODDS, [0.4, 0.62])
    truth = expit(np.where((middle[0] < LOG_ODDS) & (middle[1] > LOG_ODDS), middle.mean(), LOG_ODDS))
    labels = drawn(truth)
    calibration, brier = choose(LOG_ODDS, labels, seed=1)
    isotonic = fit_isotonic(LOG_ODDS, labels)
    assert isotonic.tied_share(LOG_ODDS) > 0.1
    assert brier["platt"] * 0.99 < brier["isotonic"]
    assert calibration.method == "platt"
    assert calibration.tied_share(LOG_ODDS) == 0


def test_the_tied_share_is_that_of_the_largest_plateau() -> None:
    flat = Calibration(method="isotonic", knots=[(0, 0.1), (1, 0.1 + 1e-5), (2, 0.1 + 2e-5), (3, 0.4), (4, 0.4 + 1e-5)])
    assert flat.tied_share(np.array([-1, 0.5, 1.5, 2.5, 3.5, 5, 0.1, 2.1])) == pytest.approx(4 / 8)
    rising = Calibration(method="isotonic", knots=[(0, 0.1), (1, 0.2), (2, 0.3)])
    assert rising.tied_share(np.array([0.5, 1.5])) == 0


@pytest.mark.parametrize("choice", ["platt", "isotonic"])
def test_a_method_that_is_asked_for_is_taken(choice: CalibrationChoice) -> None:
    assert {choose(LOG_ODDS, drawn(truth), 1, choice)[0].method for truth in STAIRCASE_AND_CURVE} == {choice}


STAIRCASE_AND_CURVE = (np.select([LOG_ODDS < -2, LOG_ODDS < 0], [0.02, 0.2], 0.8), expit(0.5 * LOG_ODDS))


@pytest.mark.parametrize("seed", range(20))
def test_no_graph_answers_more_than_one_or_less_than_nothing(seed: int) -> None:
    """In float32 the rises of some curves add up to 1.0000001."""
    values = np.sort(np.random.default_rng(seed).random(KNOTS))
    values[-1] = 1.0
    knots = [(float(place), float(value)) for place, value in enumerate(values)]
    pds = scored(Calibration(method="isotonic", knots=knots))
    assert (pds.min(), pds.max()) >= (np.float32(0), np.float32(0))
    assert pds.max() <= 1
    assert pds[-1] == pytest.approx(1.0, abs=1e-6)


def test_platt_s_curve_stays_within_0_and_1_too() -> None:
    pds = scored(Calibration(method="platt"))
    assert (pds >= 0).all()
    assert (pds <= 1).all()


def scored(calibration: Calibration) -> np.ndarray:
    """Return the PDs of log-odds from -120 to 120, by a graph."""
    graph = Graph(export_graph([raw("x")], ["x"], Logistic(np.ones(1), 0.0), calibration))
    return graph.score(Inputs(np.linspace(-120, 120, 24_001, dtype=np.float32)[:, None]))
