"""A sum of decision trees as one ONNX node."""

from __future__ import annotations

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper

from training.graph.frontend import FEATURES, build_model


def sum_of_trees(
    name: str,
    *,
    inputs: int,
    output: str,
    tree: NDArray[np.int64],
    node: NDArray[np.int64],
    left: NDArray[np.int64],
    right: NDArray[np.int64],
    feature: NDArray[np.int64],
    threshold: NDArray[np.float32],
    leaf: NDArray[np.bool_],
    weights: NDArray[np.float64],
    shift: float,
) -> onnx.ModelProto:
    """Return the graph of `shift` plus each tree's leaf, as one TreeEnsembleRegressor.

    Args:
        name: of the node.
        inputs: number of features.
        output: name of the sum, [rows, 1].
        tree: number of each node's tree, [nodes], as the next six are.
        node: number of the node within its tree, 0 for the root.
        left: number within the tree of the node for a feature of at most `threshold`; 0 in a leaf.
        right: the same for the other rows.
        feature: position of the feature that the node asks for; 0 in a leaf.
        threshold: 0 in a leaf.
        leaf: whether the node is a leaf.
        weights: the addend of each leaf, [leaves].
        shift: the addend of every row.
    """
    trees = helper.make_node(
        "TreeEnsembleRegressor",
        [FEATURES],
        ["trees"],
        name=name,
        domain="ai.onnx.ml",
        n_targets=1,
        aggregate_function="SUM",
        post_transform="NONE",
        nodes_treeids=tree.tolist(),
        nodes_nodeids=node.tolist(),
        nodes_modes=["LEAF" if end else "BRANCH_LEQ" for end in leaf],
        nodes_featureids=feature.tolist(),
        nodes_values=threshold.tolist(),
        nodes_truenodeids=left.tolist(),
        nodes_falsenodeids=right.tolist(),
        nodes_missing_value_tracks_true=[0] * len(leaf),
        target_treeids=tree[leaf].tolist(),
        target_nodeids=node[leaf].tolist(),
        target_ids=[0] * int(leaf.sum()),
        target_weights=weights.tolist(),
    )
    constant = numpy_helper.from_array(np.array([shift], dtype=np.float32), "shift")
    add = helper.make_node("Add", ["trees", "shift"], [output], name=f"{name}/shift")
    return build_model([trees, add], {FEATURES: inputs}, {output: 1}, [constant])
