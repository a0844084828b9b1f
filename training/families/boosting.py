"""Gradient-boosted trees, by LightGBM."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import lightgbm
import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper
from onnxmltools import convert_lightgbm
from onnxmltools.convert.common.data_types import FloatTensorType

from training.families.family import LOG_ODDS, Family, Features, Labels, Weights, float32_at_most
from training.graph.frontend import FEATURES, build_model

FILE = "boosting.txt"


class Boosting:
    """A LightGBM booster with a binary objective, from LightGBM's text format."""

    def __init__(self, text: str) -> None:
        # ONNX holds thresholds as float32. LightGBM asks x <= threshold of float32 features, so the
        # largest float32 not above the threshold gives the same answer, where rounding up would not.
        text = re.sub(r"(?m)^threshold=(.*)$", _float32_thresholds, text)
        # The trees' lengths in bytes have changed; without this line LightGBM finds them itself.
        self._text = re.sub(r"(?m)^tree_sizes=.*\n", "", text)
        self._booster = lightgbm.Booster(model_str=self._text)

    def log_odds(self, features: Features) -> NDArray[np.float64]:
        """Return the log-odds of each row, [rows]."""
        return np.asarray(self._booster.predict(features, raw_score=True, num_threads=1), dtype=np.float64)

    def save(self, directory: Path) -> None:
        """Write `boosting.txt`, LightGBM's own text format."""
        (directory / FILE).write_text(self._text)

    @classmethod
    def load(cls, directory: Path) -> Boosting:
        """Read `boosting.txt`."""
        return cls((directory / FILE).read_text())

    def to_onnx(self, slope: float, intercept: float) -> onnx.ModelProto:
        """Return the trees as one TreeEnsembleRegressor, then `slope` and `intercept`."""
        # Read as a regression, the same trees give log-odds instead of two class probabilities.
        text = self._text.replace("objective=binary sigmoid:1", "objective=regression")
        converted = convert_lightgbm(
            lightgbm.Booster(model_str=text),
            initial_types=[(FEATURES, FloatTensorType([None, self._booster.num_feature()]))],
            target_opset=15,
        )
        (trees,) = [node for node in converted.graph.node if node.op_type == "TreeEnsembleRegressor"]
        del trees.output[:]
        trees.output.append("trees")
        constants = [
            numpy_helper.from_array(np.array([value], dtype=np.float32), name)
            for name, value in (("slope", slope), ("intercept", intercept))
        ]
        nodes = [
            trees,
            helper.make_node("Mul", ["trees", "slope"], ["scaled"], name="boosting/slope"),
            helper.make_node("Add", ["scaled", "intercept"], [LOG_ODDS], name="boosting/intercept"),
        ]
        return build_model(nodes, {FEATURES: self._booster.num_feature()}, {LOG_ODDS: 1}, constants)


def _float32_thresholds(line: re.Match[str]) -> str:
    below = float32_at_most(np.array(line[1].split(), dtype=np.float64))
    return "threshold=" + " ".join(repr(float(value)) for value in below)


def fit_boosting(
    features: Features, labels: Labels, parameters: Mapping[str, Any], seed: int, weights: Weights | None = None
) -> Boosting:
    """Fit LightGBM with these parameters of `LGBMClassifier` on all rows, its result fixed by the seed."""
    classifier = lightgbm.LGBMClassifier(
        **parameters, random_state=seed, deterministic=True, force_row_wise=True, n_jobs=1, verbose=-1
    )
    return Boosting(classifier.fit(features, labels, sample_weight=weights).booster_.model_to_string())


FAMILY = Family(
    name="boosting",
    fit=fit_boosting,
    load=Boosting.load,
    libraries=("lightgbm", "onnxmltools"),
    takes_missing=True,
    has_int8=False,
)
