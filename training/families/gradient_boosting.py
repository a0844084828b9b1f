"""Gradient-boosted trees, by scikit-learn, exported by skl2onnx and kept as that export's arrays.

The log-odds are those of the share of defaults among the fitted rows, plus the learning rate times each tree's leaf
(Friedman, Greedy Function Approximation, Annals of Statistics 2001, algorithm 5).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper
from skl2onnx import convert_sklearn
from skl2onnx.common.data_types import FloatTensorType
from sklearn.ensemble import GradientBoostingClassifier

from training.families.family import LOG_ODDS, Family, Features, Labels, Weights, float32_at_most
from training.graph.frontend import FEATURES, OPSET
from training.graph.trees import sum_of_trees

FILE = "gradient_boosting.npz"
ARRAYS = ("tree", "node", "left", "right", "feature", "threshold", "leaf")


@dataclass(frozen=True, eq=False)
class GradientBoosting:
    """Nodes of all trees one after another, [nodes] each.

    An applicant goes left where the feature is at most `threshold`, which is a float32, as features are. `left` and
    `right` are numbers of nodes within the tree; both are 0 in a leaf.
    """

    inputs: int
    base: float
    """Log-odds before the first tree."""
    tree: NDArray[np.int64]
    node: NDArray[np.int64]
    """Number of the node within its tree."""
    left: NDArray[np.int64]
    right: NDArray[np.int64]
    feature: NDArray[np.int64]
    threshold: NDArray[np.float32]
    leaf: NDArray[np.float32]
    """Log-odds that a leaf adds; 0 in other nodes."""

    def log_odds(self, features: Features) -> NDArray[np.float64]:
        """Return the log-odds of each row, [rows]."""
        rows = np.arange(len(features))
        total = np.full(len(features), self.base)
        for root in np.flatnonzero(self.node == 0):
            at = np.full(len(features), root)
            while (inner := self.left[at] > 0).any():
                lower = features[rows, self.feature[at]] <= self.threshold[at]
                at = np.where(inner, root + np.where(lower, self.left[at], self.right[at]), at)
            total += self.leaf[at]
        return total

    def save(self, directory: Path) -> None:
        """Write `gradient_boosting.npz`."""
        arrays = {name: getattr(self, name) for name in ARRAYS}
        np.savez(directory / FILE, allow_pickle=False, inputs=self.inputs, base=self.base, **arrays)

    @classmethod
    def load(cls, directory: Path) -> GradientBoosting:
        """Read `gradient_boosting.npz`."""
        with np.load(directory / FILE, allow_pickle=False) as arrays:
            return cls(int(arrays["inputs"]), float(arrays["base"]), *(arrays[name] for name in ARRAYS))

    def to_onnx(self, slope: float, intercept: float) -> onnx.ModelProto:
        """Return one TreeEnsembleRegressor, `slope` and `intercept` in its leaves."""
        leaf = self.left == 0
        return sum_of_trees(
            "gradient_boosting",
            inputs=self.inputs,
            output=LOG_ODDS,
            tree=self.tree,
            node=self.node,
            left=self.left,
            right=self.right,
            feature=self.feature,
            threshold=self.threshold,
            leaf=leaf,
            weights=self.leaf[leaf].astype(np.float64) * slope,
            shift=self.base * slope + intercept,
        )


def fit_gradient_boosting(
    features: Features, labels: Labels, parameters: Mapping[str, Any], seed: int, weights: Weights | None = None
) -> GradientBoosting:
    """Fit with these parameters of `GradientBoostingClassifier` on all rows."""
    fitted = GradientBoostingClassifier(**parameters, random_state=seed).fit(features, labels, weights)
    exported = convert_sklearn(
        fitted, initial_types=[(FEATURES, FloatTensorType([None, features.shape[1]]))], target_opset=OPSET
    )
    (classifier,) = [part for part in exported.graph.node if part.op_type == "TreeEnsembleClassifier"]
    given = {item.name: helper.get_attribute_value(item) for item in classifier.attribute}
    tree, node, left, right, feature = (
        np.array(given[f"nodes_{name}"], dtype=np.int64)
        for name in ("treeids", "nodeids", "truenodeids", "falsenodeids", "featureids")
    )
    leaf = np.zeros(len(tree), dtype=np.float32)
    ends = {(number, within): at for at, (number, within) in enumerate(zip(tree.tolist(), node.tolist(), strict=True))}
    at = [ends[key] for key in zip(given["class_treeids"], given["class_nodeids"], strict=True)]
    leaf[at] = given["class_weights"]
    # scikit-learn's own thresholds, since it asks x <= threshold of float32 features in float64.
    own = np.concatenate([stage.tree_.threshold for (stage,) in fitted.estimators_])
    threshold = np.where(left > 0, float32_at_most(own), np.float32(0))
    (base,) = given["base_values"]
    return GradientBoosting(features.shape[1], base, tree, node, left, right, feature, threshold, leaf)


FAMILY = Family(
    name="gradient_boosting",
    fit=fit_gradient_boosting,
    load=GradientBoosting.load,
    libraries=("scikit-learn", "skl2onnx"),
    takes_missing=False,
    has_int8=False,
)
