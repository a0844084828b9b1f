"""Calibration: log-odds of a model to a probability that holds.

Platt scaling (Platt 1999): PD = 1 / (1 + exp(-(slope * log-odds + intercept))). Isotonic
regression (Zadrozny and Elkan 2002): PD rises with the log-odds, linear between knots. Both are
fitted on out-of-fold log-odds. `choose` says which of them is kept.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper
from pydantic import BaseModel, ConfigDict
from scipy.special import expit
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import brier_score_loss
from sklearn.model_selection import StratifiedKFold

from scoring.graph import OUTPUT
from training.competition_params import CalibrationChoice
from training.families.family import LOG_ODDS, Labels

LogOdds = NDArray[np.float64]

# A PD of exactly 0 or 1 has no log-odds, and no sample this size can support it.
LOWEST_PD = 1e-4
KNOTS = 32
"""Isotonic knots at most: more would follow noise and cost time in every request."""
HAIR = 1e-4
"""PD by which isotonic knots rise on plateaus, over all of them together."""
TIE_COST = 0.02
"""Fraction of Platt's Brier score that isotonic regression must save for the share of rows on its largest plateau: for
a fifth of the rows 0.4 %. Whoever shares a PD with many others cannot be told from them by any cut-off."""

Method = Literal["platt", "isotonic"]


class Calibration(BaseModel):
    """A fitted calibration.

    Platt uses `slope` and `intercept`. Isotonic uses `knots`, rising (log-odds, PD) pairs.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    method: Method
    slope: float = 1.0
    intercept: float = 0.0
    knots: list[tuple[float, float]] = []

    def pd(self, log_odds: LogOdds) -> NDArray[np.float64]:
        """The PD of each log-odds, [rows]."""
        if self.method == "platt":
            return np.asarray(expit(self.slope * log_odds + self.intercept))
        positions, values = np.array(self.knots).T
        return np.asarray(np.interp(log_odds, positions, values))

    def tied_share(self, log_odds: LogOdds) -> float:
        """Return the share of the rows on the largest plateau, whose PDs differ by less than a hair; 0 for Platt."""
        if self.method == "platt":
            return 0.0
        positions, values = np.array(self.knots).T
        rises = np.diff(values) > 2 * HAIR / len(values)
        segment = np.searchsorted(positions[1:-1], log_odds, side="right")
        # Flat segments next to each other are one plateau.
        plateau, flat = np.cumsum(rises)[segment], ~rises[segment]
        return float(np.bincount(plateau[flat]).max() / len(log_odds)) if flat.any() else 0.0

    def graph_tail(self) -> tuple[list[onnx.NodeProto], list[onnx.TensorProto]]:
        """Nodes from `log_odds` to `pd`; for Platt, slope and intercept are already in the log-odds.

        Isotonic: the first PD plus, per segment, its rise times how far the log-odds are through
        it, held to 0..1. Gemm, Clip and Gemm give the same bits in every batch size. The last Clip cuts
        off what rounding adds to 1.
        """
        if self.method == "platt":
            return [helper.make_node("Sigmoid", [LOG_ODDS], [OUTPUT], name="calibration/platt")], []
        positions, values = np.array(self.knots).T
        lengths = np.diff(positions)
        arrays = {
            "segment_scale": (1 / lengths)[None, :],
            "segment_shift": -positions[:-1] / lengths,
            "zero": np.array(0.0),
            "one": np.array(1.0),
            "segment_rise": np.diff(values)[:, None],
            "first_pd": values[:1],
        }
        constants = [numpy_helper.from_array(array.astype(np.float32), name) for name, array in arrays.items()]
        return [
            helper.make_node("Gemm", [LOG_ODDS, "segment_scale", "segment_shift"], ["through"], name="calibration/in"),
            helper.make_node("Clip", ["through", "zero", "one"], ["share"], name="calibration/segment"),
            helper.make_node("Gemm", ["share", "segment_rise", "first_pd"], ["risen"], name="calibration/isotonic"),
            helper.make_node("Clip", ["risen", "zero", "one"], [OUTPUT], name="calibration/within"),
        ], constants


def fit_platt(log_odds: LogOdds, labels: Labels) -> Calibration:
    """Platt scaling by unpenalised logistic regression."""
    regression = LogisticRegression(C=np.inf, max_iter=1_000).fit(log_odds[:, None], labels)
    return Calibration(method="platt", slope=float(regression.coef_[0, 0]), intercept=float(regression.intercept_[0]))


def fit_isotonic(log_odds: LogOdds, labels: Labels) -> Calibration:
    """Isotonic regression, thinned to knots at equal shares of the rows and made strictly rising."""
    regression = IsotonicRegression(y_min=LOWEST_PD, y_max=1 - LOWEST_PD - HAIR, out_of_bounds="clip")
    regression.fit(log_odds, labels)
    positions = np.unique(np.quantile(log_odds, np.linspace(0, 1, KNOTS)).astype(np.float32)).astype(np.float64)
    # A plateau would give different applicants the same PD and no reasons; a hair of slope keeps their order.
    values = regression.predict(positions) + np.linspace(0, HAIR, len(positions))
    return Calibration(method="isotonic", knots=[(float(x), float(v)) for x, v in zip(positions, values, strict=True)])


def choose(
    log_odds: LogOdds, labels: Labels, seed: int, choice: CalibrationChoice = "auto"
) -> tuple[Calibration, dict[str, float]]:
    """Return a calibration fitted on all rows, by the method that is asked for, or by the better one of both.

    `auto` takes isotonic regression where its Brier score on held-out folds is lower than Platt's by more than
    `TIE_COST` times the share of the rows on its largest plateau, as a fraction of Platt's; else Platt scaling.

    Args:
        log_odds: out-of-fold log-odds of the training rows.
        labels: their labels.
        seed: of the five folds.
        choice: a method, or `auto`.

    Returns:
        The calibration, and the held-out Brier score of each method and of none.
    """
    methods = {"platt": fit_platt, "isotonic": fit_isotonic}
    held_out = {name: np.empty(len(labels)) for name in methods}
    for fitted, rest in StratifiedKFold(5, shuffle=True, random_state=seed).split(log_odds, labels):
        for name, fit in methods.items():
            held_out[name][rest] = fit(log_odds[fitted], labels[fitted]).pd(log_odds[rest])
    brier = {name: float(brier_score_loss(labels, pd)) for name, pd in held_out.items()}
    brier["none"] = float(brier_score_loss(labels, expit(log_odds)))
    fitted_on_all = {name: fit(log_odds, labels) for name, fit in methods.items()}
    if choice == "auto":
        least_saved = TIE_COST * fitted_on_all["isotonic"].tied_share(log_odds)
        choice = "isotonic" if brier["isotonic"] < brier["platt"] * (1 - least_saved) else "platt"
    return fitted_on_all[choice], brier
