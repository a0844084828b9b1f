"""Missing values in trees: the graph goes the way that the library itself goes."""

from __future__ import annotations

from functools import cache
from typing import Any

import lightgbm
import numpy as np
import pytest
from numpy.typing import NDArray

from scoring.features import optional
from scoring.graph import Graph, Inputs
from training.calibration import Calibration
from training.families.family import Model
from training.families.registry import FAMILIES
from training.graph.export import export_graph

NAMES = ("often missing", "missing", "any sign", "any sign too", "above zero", "below zero", "flag", "count")
ROWS = 3_000
PARAMETERS: dict[str, dict[str, Any]] = {
    "boosting": {"n_estimators": 60, "num_leaves": 15},
    "catboost": {"iterations": 60, "depth": 4},
}


@cache
def rows() -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Features, three of which are missing in some rows, and labels that depend on all."""
    draw = np.random.default_rng(1)
    features = draw.normal(size=(ROWS, len(NAMES))).astype(np.float32)
    features[:, 4] = 1 + np.abs(features[:, 4])
    features[:, 5] = -1 - np.abs(features[:, 5])
    features[:, 6] = features[:, 6] > 0
    features[:, 7] = draw.integers(0, 3, ROWS)
    for column, share in ((0, 0.5), (1, 0.1), (7, 0.3)):
        features[draw.random(ROWS) < share, column] = np.nan
    signal = np.nan_to_num(features).sum(axis=1) + features[:, 2] * features[:, 3]
    return features, (signal + draw.normal(size=ROWS) > 0).astype(np.int64)


@cache
def fitted(family: str) -> tuple[Model, Graph]:
    model = FAMILIES[family].fit(*rows(), PARAMETERS[family], 1)
    return model, Graph(export_graph([optional(*NAMES)], NAMES, model, Calibration(method="platt")))


def with_holes(column: str) -> NDArray[np.float32]:
    features = rows()[0].copy()
    if column == "every column":
        features[np.random.default_rng(2).random(features.shape) < 0.5] = np.nan
    else:
        features[:, NAMES.index(column)] = np.nan
    return features


@pytest.mark.parametrize("column", [*NAMES, "every column"])
@pytest.mark.parametrize("family", sorted(PARAMETERS))
def test_a_missing_value_goes_where_the_library_sends_it(family: str, column: str) -> None:
    """Also in columns without missing values in training, where LightGBM takes them for zero."""
    model, graph = fitted(family)
    features = with_holes(column)
    expected = 1 / (1 + np.exp(-model.log_odds(features)))
    assert graph.score(Inputs(features)) == pytest.approx(expected, abs=1e-6)


def test_rounded_thresholds_change_no_way_of_a_missing_value() -> None:
    model, _ = fitted("boosting")
    parameters = {**PARAMETERS["boosting"], "random_state": 1, "deterministic": True, "force_row_wise": True}
    reference = lightgbm.LGBMClassifier(**parameters, n_jobs=1, verbose=-1).fit(*rows())
    features = with_holes("every column")
    assert model.log_odds(features) == pytest.approx(reference.booster_.predict(features, raw_score=True), abs=1e-12)


@pytest.mark.parametrize("family", sorted(PARAMETERS))
def test_a_score_with_missing_values_does_not_depend_on_its_neighbours(family: str) -> None:
    _, graph = fitted(family)
    inputs = Inputs(with_holes("every column")[:1_000])
    alone = np.concatenate([graph.score(inputs[row : row + 1]) for row in range(1_000)])
    sizes = range(1, 1_001)
    assert [size for size in sizes if graph.score(inputs[:size]).tobytes() != alone[:size].tobytes()] == []
