"""Logistic regression: the floor that every other model must beat."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from training.families.family import LOG_ODDS, Family, Features, Labels, Weights
from training.graph.frontend import FEATURES, build_model

FILE = "logistic.npz"


class Logistic:
    """Weights on the features as they come; standardisation is folded in."""

    def __init__(self, weights: NDArray[np.float64], intercept: float) -> None:
        self.weights = weights
        self.intercept = intercept

    def log_odds(self, features: Features) -> NDArray[np.float64]:
        """Return the log-odds of each row, [rows]."""
        return np.asarray(features.astype(np.float64) @ self.weights + self.intercept)

    def save(self, directory: Path) -> None:
        """Write `logistic.npz`."""
        np.savez(directory / FILE, allow_pickle=False, weights=self.weights, intercept=np.array(self.intercept))

    @classmethod
    def load(cls, directory: Path) -> Logistic:
        """Read `logistic.npz`."""
        with np.load(directory / FILE, allow_pickle=False) as arrays:
            return cls(arrays["weights"], float(arrays["intercept"]))

    def to_onnx(self, slope: float, intercept: float) -> onnx.ModelProto:
        """Return one Gemm: ONNX Runtime's LinearClassifier gives other bits in other batch sizes."""
        weights = (self.weights * slope).astype(np.float32)[:, None]
        constants = [
            numpy_helper.from_array(weights, "weights"),
            numpy_helper.from_array(np.array([self.intercept * slope + intercept], dtype=np.float32), "bias"),
        ]
        node = helper.make_node("Gemm", [FEATURES, "weights", "bias"], [LOG_ODDS], name="logistic")
        return build_model([node], {FEATURES: len(self.weights)}, {LOG_ODDS: 1}, constants)


def fit_logistic(
    features: Features, labels: Labels, parameters: Mapping[str, Any], seed: int, weights: Weights | None = None
) -> Logistic:
    """Fit with `C`, the inverse strength of the L2 penalty on standardised features."""
    pipeline = make_pipeline(StandardScaler(), LogisticRegression(C=parameters["C"], max_iter=2_000, random_state=seed))
    pipeline.fit(features.astype(np.float64), labels, logisticregression__sample_weight=weights)
    scaler, regression = pipeline[0], pipeline[1]
    slopes = regression.coef_[0] / scaler.scale_
    return Logistic(slopes, float(regression.intercept_[0] - slopes @ scaler.mean_))


FAMILY = Family(
    name="logistic",
    fit=fit_logistic,
    load=Logistic.load,
    libraries=("scikit-learn",),
    takes_missing=False,
    has_int8=True,
)
