"""Random forest, by scikit-learn, kept as the plain arrays of its trees.

A forest's output is the mean share of defaults in an applicant's leaves. Its log-odds would need a
logarithm, and ONNX Runtime's gives other bits in other batch sizes; so the straight line that touches
the log-odds at one half stands for them, 4 * (share - 1/2), and calibration makes it a PD.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from sklearn.ensemble import RandomForestClassifier

from training.families.family import LOG_ODDS, Family, Features, Labels, Weights, float32_at_most
from training.graph.trees import sum_of_trees

FILE = "forest.npz"
ARRAYS = ("tree", "left", "right", "feature", "threshold", "share")
SLOPE_AT_HALF = 4.0
"""The derivative of log(p / (1 - p)) at 1/2."""


@dataclass(frozen=True, eq=False)
class Forest:
    """Nodes of all trees one after another, [nodes] each.

    A leaf is its own `left`. An applicant goes left where the feature is at most `threshold`, which is
    a float32, as features are.
    """

    inputs: int
    tree: NDArray[np.int64]
    left: NDArray[np.int64]
    right: NDArray[np.int64]
    feature: NDArray[np.int64]
    threshold: NDArray[np.float32]
    share: NDArray[np.float64]
    """Share of defaults in the node."""

    @property
    def _roots(self) -> NDArray[np.int64]:
        return np.flatnonzero(np.diff(self.tree, prepend=-1))

    def log_odds(self, features: Features) -> NDArray[np.float64]:
        """Return what stands for the log-odds of each row, [rows]: 4 * (share of defaults - 1/2)."""
        rows = np.arange(len(features))
        total = np.zeros(len(features))
        for root in self._roots:
            node = np.full(len(features), root)
            while not (done := self.left[node] == node).all():
                lower = features[rows, self.feature[node]] <= self.threshold[node]
                node = np.where(done, node, np.where(lower, self.left[node], self.right[node]))
            total += self.share[node]
        return SLOPE_AT_HALF * (total / len(self._roots) - 0.5)

    def save(self, directory: Path) -> None:
        """Write `forest.npz`."""
        arrays = {name: getattr(self, name) for name in ARRAYS}
        np.savez(directory / FILE, allow_pickle=False, inputs=np.array(self.inputs), **arrays)

    @classmethod
    def load(cls, directory: Path) -> Forest:
        """Read `forest.npz`."""
        with np.load(directory / FILE, allow_pickle=False) as arrays:
            return cls(int(arrays["inputs"]), *(arrays[name] for name in ARRAYS))

    def to_onnx(self, slope: float, intercept: float) -> onnx.ModelProto:
        """Return one TreeEnsembleRegressor, `slope` and `intercept` in its leaves."""
        leaf = self.left == np.arange(len(self.left))
        first = self._roots[self.tree]
        scale = SLOPE_AT_HALF * slope / len(self._roots)
        return sum_of_trees(
            "forest",
            inputs=self.inputs,
            output=LOG_ODDS,
            tree=self.tree,
            node=np.arange(len(self.tree)) - first,
            left=np.where(leaf, 0, self.left - first),
            right=np.where(leaf, 0, self.right - first),
            feature=np.where(leaf, 0, self.feature),
            threshold=np.where(leaf, np.float32(0), self.threshold),
            leaf=leaf,
            weights=self.share[leaf] * scale,
            shift=intercept - slope * SLOPE_AT_HALF / 2,
        )


def fit_forest(
    features: Features, labels: Labels, parameters: Mapping[str, Any], seed: int, weights: Weights | None = None
) -> Forest:
    """Fit a forest with these parameters of `RandomForestClassifier` on all rows."""
    fitted = RandomForestClassifier(**parameters, random_state=seed, n_jobs=1).fit(features, labels, weights)
    parts: dict[str, list[NDArray[Any]]] = {name: [] for name in ARRAYS}
    start = 0
    for number, estimator in enumerate(fitted.estimators_):
        tree = estimator.tree_
        own = np.arange(start, start + tree.node_count)
        leaf = tree.children_left < 0
        parts["tree"].append(np.full(tree.node_count, number))
        parts["left"].append(np.where(leaf, own, tree.children_left + start))
        parts["right"].append(np.where(leaf, own, tree.children_right + start))
        parts["feature"].append(np.where(leaf, 0, tree.feature))
        parts["threshold"].append(float32_at_most(tree.threshold))
        classes = tree.value[:, 0, :]
        parts["share"].append(classes[:, 1] / classes.sum(axis=1))
        start += tree.node_count
    return Forest(features.shape[1], *(np.concatenate(parts[name]) for name in ARRAYS))


FAMILY = Family(
    name="forest",
    fit=fit_forest,
    load=Forest.load,
    libraries=("scikit-learn",),
    takes_missing=False,
    has_int8=False,
)
