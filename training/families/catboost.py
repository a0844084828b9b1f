"""Gradient-boosted symmetric trees, by CatBoost, on features that are all numbers.

CatBoost exports no categorical features to ONNX, so text is encoded before it, by the graph's own
indicators.
"""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from catboost import CatBoostClassifier, CatBoostError
from numpy.typing import NDArray
from onnx import helper, numpy_helper

from scoring.disk import CannotWriteError
from training.families.family import LOG_ODDS, Family, Features, Labels, Weights
from training.graph.frontend import FEATURES, build_model

FILE = "catboost.cbm"


class CatBoost:
    """A fitted `CatBoostClassifier`."""

    def __init__(self, classifier: CatBoostClassifier) -> None:
        self._classifier = classifier

    def log_odds(self, features: Features) -> NDArray[np.float64]:
        """Return the log-odds of each row, [rows]."""
        raw = self._classifier.predict(features, prediction_type="RawFormulaVal", thread_count=1)
        return np.asarray(raw, dtype=np.float64)

    def save(self, directory: Path) -> None:
        """Write `catboost.cbm`, CatBoost's own format."""
        self._write(directory / FILE, "cbm")

    def _write(self, path: Path, form: str) -> None:
        try:
            self._classifier.save_model(str(path), format=form)
        except CatBoostError as error:
            # Its message begins with the system's own number, where there is one.
            if number := re.match(r"\(Error (\d+):", str(error)):
                raise CannotWriteError(int(number[1]), os.strerror(int(number[1])), str(path)) from error
            raise

    @classmethod
    def load(cls, directory: Path) -> CatBoost:
        """Read `catboost.cbm`."""
        if not (directory / FILE).exists():
            raise FileNotFoundError(directory / FILE)
        return cls(CatBoostClassifier().load_model(str(directory / FILE)))

    def to_onnx(self, slope: float, intercept: float) -> onnx.ModelProto:
        """Return CatBoost's own export, its classifier turned into the sum that it takes the logistic of."""
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "model.onnx")
            self._write(path, "onnx")
            exported = onnx.load(path)
        (classifier,) = [node for node in exported.graph.node if node.op_type == "TreeEnsembleClassifier"]
        attributes = {item.name: helper.get_attribute_value(item) for item in classifier.attribute}
        # Each leaf stands there twice, as the log-odds of a default and of none.
        defaults = np.array(attributes["class_ids"]) == 1
        trees = helper.make_node(
            "TreeEnsembleRegressor",
            [FEATURES],
            ["trees"],
            name="catboost",
            domain="ai.onnx.ml",
            n_targets=1,
            post_transform="NONE",
            **{name: value for name, value in attributes.items() if name.startswith("nodes_")},
            target_treeids=np.array(attributes["class_treeids"])[defaults].tolist(),
            target_nodeids=np.array(attributes["class_nodeids"])[defaults].tolist(),
            target_ids=[0] * int(defaults.sum()),
            target_weights=np.array(attributes["class_weights"])[defaults].tolist(),
        )
        scale, bias = self._classifier.get_scale_and_bias()
        assert scale == 1.0, scale
        constants = [
            numpy_helper.from_array(np.array([value], dtype=np.float32), name)
            for name, value in (("slope", slope), ("intercept", intercept + slope * bias))
        ]
        nodes = [
            trees,
            helper.make_node("Mul", ["trees", "slope"], ["scaled"], name="catboost/slope"),
            helper.make_node("Add", ["scaled", "intercept"], [LOG_ODDS], name="catboost/intercept"),
        ]
        inputs = len(self._classifier.feature_names_)
        return build_model(nodes, {FEATURES: inputs}, {LOG_ODDS: 1}, constants)


def fit_catboost(
    features: Features, labels: Labels, parameters: Mapping[str, Any], seed: int, weights: Weights | None = None
) -> CatBoost:
    """Fit CatBoost with these parameters of `CatBoostClassifier` on all rows."""
    classifier = CatBoostClassifier(
        **parameters, random_seed=seed, thread_count=1, allow_writing_files=False, verbose=False
    )
    return CatBoost(classifier.fit(features, labels, sample_weight=weights))


FAMILY = Family(
    name="catboost",
    fit=fit_catboost,
    load=CatBoost.load,
    libraries=("catboost",),
    takes_missing=True,
    has_int8=False,
)
