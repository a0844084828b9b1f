"""Small fitted models of every family on sample data, with the graphs of their variants."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scoring.features import Block, raw_columns
from scoring.graph import Inputs
from scoring.scorecards import load
from training.calibration import Calibration, fit_isotonic, fit_platt
from training.families.family import Model
from training.families.registry import FAMILIES
from training.graph.export import export_graph
from training.graph.frontend import feature_matrix

CARD = load("card_default")
ROWS = 3_000
FEATURES = {
    "network": "stepped",
    "boosting": "engineered",
    "catboost": "engineered",
    "forest": "engineered",
    "gradient_boosting": "engineered",
    "logistic": "published",
}
PARAMETERS: dict[str, dict[str, Any]] = {
    "network": {
        "hidden": [64, 32],
        "dropout": 0.2,
        "epochs": 3,
        "batch_size": 128,
        "learning_rate": 0.01,
        "weight_decay": 0.01,
        "validation_share": 0.1,
        "patience": 3,
        "default_weight": 1.0,
    },
    "boosting": {"n_estimators": 60, "learning_rate": 0.1, "num_leaves": 15},
    "catboost": {"iterations": 60, "depth": 4},
    "forest": {"n_estimators": 30, "max_depth": 8},
    "gradient_boosting": {"n_estimators": 40, "max_depth": 4, "subsample": 0.8},
    "logistic": {"C": 0.1},
}


@dataclass(frozen=True)
class Fitted:
    """A fitted model and everything around it."""

    family: str
    blocks: tuple[Block, ...]
    columns: list[str]
    inputs: Inputs
    features: NDArray[np.float32]
    labels: NDArray[np.int64]
    model: Model
    exported: dict[str, bytes] = field(default_factory=dict)
    """Its graphs by the method of their calibration: PyTorch takes seconds for one."""

    def calibration(self, method: str) -> Calibration:
        log_odds = self.model.log_odds(self.features)
        return (fit_platt if method == "platt" else fit_isotonic)(log_odds, self.labels)

    def graph(self, method: str = "platt") -> bytes:
        if method not in self.exported:
            self.exported[method] = export_graph(self.blocks, self.columns, self.model, self.calibration(method))
        return self.exported[method]


def sample_inputs(columns: list[str], rows: int = ROWS, seed: int = 3) -> tuple[Inputs, NDArray[np.int64]]:
    sample = CARD.sample(np.random.default_rng(seed), rows)
    numbers = np.stack([sample[name] for name in columns], axis=1).astype(np.float32)
    return Inputs(numbers), sample[CARD.target]


@cache
def fitted(family: str) -> Fitted:
    """The family's model, fitted once in a test run."""
    return fit_again(family)


def fit_again(family: str, seed: int = 5) -> Fitted:
    """The same fit from the start."""
    blocks = CARD.features[FEATURES[family]](False)
    used = raw_columns(blocks)
    columns = [column for column in CARD.columns if column in used]
    inputs, labels = sample_inputs(columns)
    features = feature_matrix(blocks, columns, inputs)
    model = FAMILIES[family].fit(features, labels, PARAMETERS[family], seed)
    return Fitted(family, blocks, columns, inputs, features, labels, model)
