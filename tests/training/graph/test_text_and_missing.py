"""Text columns and numbers that may be missing, through the graph."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import RandomForestClassifier

from scoring.features import Block, beside, category, optional, ordered, raw, raw_columns
from scoring.graph import Graph, Inputs
from scoring.scorecards import load
from training.calibration import fit_platt
from training.families.forest import fit_forest
from training.families.registry import FAMILIES
from training.graph.export import export_graph
from training.graph.frontend import feature_matrix, feature_names
from training.graph.inputs import graph_inputs

GERMAN = load("german_credit")
ROWS = 1_000
PARAMETERS: dict[str, dict[str, Any]] = {
    "forest": {"n_estimators": 20, "max_depth": 6},
    "catboost": {"iterations": 20, "depth": 3},
    "boosting": {"n_estimators": 20, "num_leaves": 6},
    "logistic": {"C": 0.1},
}


def applications(rows: int = ROWS) -> pd.DataFrame:
    return pd.DataFrame(GERMAN.sample(np.random.default_rng(8), rows))


def test_a_category_is_one_column_per_choice_and_none_for_what_is_not_listed() -> None:
    block = category("size", "small", "large")
    text = np.array([["small"], ["large"], ["medium"], [""]], dtype=object)
    features = feature_matrix([block], ["size"], Inputs(np.empty((4, 0), dtype=np.float32), text))
    assert features.tolist() == [[1, 0], [0, 1], [0, 0], [0, 0]]
    assert block.names == ("size = small", "size = large")


def test_the_same_text_in_two_columns_is_told_apart_by_its_column() -> None:
    blocks = [category("car", "Y", "N"), ordered("house", "N", "Y")]
    text = np.array([["Y", "Y"], ["N", "Y"], ["Y", "N"]], dtype=object)
    features = feature_matrix(blocks, ["car", "house"], Inputs(np.empty((3, 0), dtype=np.float32), text))
    assert features.tolist() == [[1, 0, 1], [0, 1, 1], [1, 0, 0]]


def test_text_and_numbers_go_into_one_linear_step() -> None:
    blocks = [raw("a"), (ordered("b", "x", "y", "z") * 2).named("twice"), beside(raw("a"), category("b", "y"))]
    inputs = Inputs(np.array([[5], [6], [7]], dtype=np.float32), np.array([["x"], ["y"], ["z"]], dtype=object))
    features = feature_matrix(blocks, ["a", "b"], inputs)
    assert features.tolist() == [[5, 0, 5, 0], [6, 2, 6, 1], [7, 4, 7, 0]]


def values(*blocks: Block) -> list[list[float]]:
    numbers = np.array([[1, 10, 7], [np.nan, 20, 8], [3, np.nan, 9]], dtype=np.float32)
    # The last two blocks say which columns may be missing, and are left out again.
    every = [*blocks, optional("a"), optional("b")]
    rows: list[list[float]] = feature_matrix(every, ["a", "b", "c"], Inputs(numbers))[:, :-2].tolist()
    return rows


@pytest.mark.parametrize(
    ("block", "expected"),
    [
        (optional("a", "b"), [[1, 10], [None, 20], [3, None]]),
        (optional("a").filled(-1), [[1], [-1], [3]]),
        (optional("a", "b").missing(), [[0, 0], [1, 0], [0, 1]]),
        (optional("a") / optional("b"), [[0.1], [None], [None]]),
        (optional("a", "b").total("t"), [[11], [None], [None]]),
        (optional("a", "b").filled(0).largest("l"), [[10], [20], [3]]),
        (optional("a") - raw("c"), [[-6], [None], [-6]]),
        (optional("a", "b").without(3), [[1, 10], [None, 20], [None, None]]),
        (raw("c").without(8), [[7], [None], [9]]),
        (raw("c").without(8).missing(), [[0], [1], [0]]),
    ],
)
def test_what_is_missing_stays_so_until_it_is_filled(block: Block, expected: list[list[float | None]]) -> None:
    shown = [[None if np.isnan(value) else pytest.approx(value) for value in row] for row in values(block)]
    assert shown == expected


def test_what_may_be_missing_does_not_spoil_what_is_known() -> None:
    assert values(raw("c") + 1) == [[8], [9], [10]]


@pytest.mark.parametrize("operation", ["clip", "largest", "interpolate", "steps"])
def test_comparisons_with_what_may_be_missing_are_refused(operation: str) -> None:
    block = optional("a", "b")
    calls = {
        "clip": lambda: block.clip(0, 1),
        "largest": lambda: (block * 2).largest("l"),
        "interpolate": lambda: block.interpolate([(0, 0), (1, 1)]),
        "steps": lambda: block.steps((1, 2)),
    }
    with pytest.raises(ValueError, match="fill what may be missing first"):
        calls[operation]()


def test_a_column_is_either_known_or_optional() -> None:
    with pytest.raises(ValueError, match="a: raw in one block and optional in another"):
        feature_matrix([raw("a"), optional("a")], ["a"], Inputs(np.zeros((1, 1), dtype=np.float32)))


@pytest.mark.parametrize("name", sorted(GERMAN.features))
def test_features_of_codes_are_what_pandas_says(name: str) -> None:
    frame = applications(300)
    blocks = GERMAN.features[name](True)
    columns = list(GERMAN.columns)
    assert raw_columns(blocks) == set(columns)
    features = pd.DataFrame(
        feature_matrix(blocks, columns, graph_inputs(frame, columns, GERMAN.text_columns)),
        columns=feature_names(blocks),
    )
    assert (features["Purpose = A43"] == (frame["Purpose"] == "A43")).all()
    assert features["duration in years"].to_numpy() == pytest.approx(frame["Duration in month"] / 12)
    if name != "one_hot":
        order = {"A124": 0, "A123": 1, "A122": 2, "A121": 3}
        assert features["Property"].tolist() == frame["Property"].map(order).tolist()
    without = feature_names(GERMAN.features[name](False))
    assert not {column for column in without if column.startswith(("Personal", "age in", "foreign"))}


@pytest.mark.parametrize("family", sorted(PARAMETERS))
def test_a_score_of_codes_does_not_depend_on_its_neighbours(family: str) -> None:
    """The same bits alone and in every batch size from 1 to 1,000, and what the fitted model says."""
    frame = applications()
    blocks = GERMAN.features["one_hot"](False)
    columns = [column for column in GERMAN.columns if column in raw_columns(blocks)]
    inputs = graph_inputs(frame, columns, GERMAN.text_columns)
    features = feature_matrix(blocks, columns, inputs)
    labels = (frame[GERMAN.target] == 2).to_numpy().astype(np.int64)
    model = FAMILIES[family].fit(features, labels, PARAMETERS[family], 1)
    calibration = fit_platt(model.log_odds(features), labels)
    graph = Graph(export_graph(blocks, columns, model, calibration))
    assert graph.columns == (*(c for c in columns if frame[c].dtype != object), *graph.text_columns)
    assert graph.score(inputs) == pytest.approx(calibration.pd(model.log_odds(features)), abs=2e-6)
    alone = np.concatenate([graph.score(inputs[row : row + 1]) for row in range(ROWS)])
    sizes = range(1, ROWS + 1)
    assert [size for size in sizes if graph.score(inputs[:size]).tobytes() != alone[:size].tobytes()] == []


def test_a_forest_s_arrays_give_what_scikit_learn_gives() -> None:
    generator = np.random.default_rng(2)
    features = generator.normal(size=(2_000, 6)).astype(np.float32)
    labels = (features[:, 0] * features[:, 1] + generator.normal(size=2_000) > 0.5).astype(np.int64)
    parameters = {"n_estimators": 30, "max_depth": 9, "min_samples_leaf": 3}
    forest = fit_forest(features, labels, parameters, seed=4)
    reference = RandomForestClassifier(**parameters, random_state=4).fit(features, labels)
    share = reference.predict_proba(features)[:, 1]
    assert forest.log_odds(features) == pytest.approx(4 * (share - 0.5), abs=1e-12)
