"""CatBoost on card_approval's features: the graph next to CatBoost's own prediction, and next to its neighbours."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pandas as pd
import pytest
from catboost import CatBoostClassifier
from numpy.typing import NDArray

from scoring.features import raw_columns
from scoring.graph import Graph, Inputs
from scoring.scorecards import load
from scoring.scorecards.parts.card_approval.reasons import NOT_EMPLOYED
from scoring.scorecards.parts.card_approval.sample import CHOICES
from training.calibration import Calibration
from training.families.registry import FAMILIES
from training.graph.export import export_graph
from training.graph.frontend import feature_matrix
from training.graph.inputs import graph_inputs

CARD = load("card_approval")
ROWS = 4_000
PARAMETERS: dict[str, dict[str, Any]] = {
    "catboost": {"iterations": 80, "depth": 5, "learning_rate": 0.1},
    "logistic": {"C": 0.1},
}
CASES = [("catboost", "published"), ("logistic", "engineered")]


@cache
def sample() -> pd.DataFrame:
    return pd.DataFrame(CARD.sample(np.random.default_rng(5), ROWS))


@cache
def fitted(family: str, features: str) -> tuple[Graph, Inputs, bytes]:
    """The graph of a model with protected columns in, uncalibrated; what it reads; CatBoost's own file."""
    blocks = CARD.features[features](True)
    columns = [column for column in CARD.columns if column in raw_columns(blocks)]
    inputs = graph_inputs(sample(), columns, CARD.text_columns)
    matrix = feature_matrix(blocks, columns, inputs)
    model = FAMILIES[family].fit(matrix, sample()["TARGET"].to_numpy(), PARAMETERS[family], 3)
    with TemporaryDirectory() as folder:
        model.save(Path(folder))
        (file,) = Path(folder).iterdir()
        saved = file.read_bytes()
    return Graph(export_graph(blocks, columns, model, Calibration(method="platt"))), inputs, saved


def published_by_pandas(frame: pd.DataFrame) -> NDArray[np.float64]:
    """The published features as a notebook would make them, in the order of the graph's."""
    education = list(CHOICES["NAME_EDUCATION_TYPE"])
    days = -frame["DAYS_EMPLOYED"].where(frame["DAYS_EMPLOYED"] != NOT_EMPLOYED)
    bins = pd.cut(days, [-1, 365, 1_095, 1_825, 3_650, 14_600, np.inf], labels=False) + 1
    age = pd.cut(-frame["DAYS_BIRTH"] / 365, [0, 18, 25, 35, 45, 55, 65, 100], labels=False)
    columns = [
        frame["FLAG_OWN_CAR"] == "Y",
        frame["FLAG_OWN_REALTY"] == "Y",
        frame["NAME_EDUCATION_TYPE"].map(education.index),
        *(
            frame[name] == choice
            for name in ("NAME_INCOME_TYPE", "NAME_HOUSING_TYPE", "OCCUPATION_TYPE")
            for choice in CHOICES[name]
        ),
        frame["OCCUPATION_TYPE"].isna(),
        frame["CODE_GENDER"] == "M",
        *(frame["NAME_FAMILY_STATUS"] == choice for choice in CHOICES["NAME_FAMILY_STATUS"]),
        *(frame[name] for name in ("CNT_CHILDREN", "AMT_INCOME_TOTAL")),
        *(frame[name] for name in ("FLAG_WORK_PHONE", "FLAG_PHONE", "FLAG_EMAIL", "CNT_FAM_MEMBERS")),
        days.fillna(0),
        bins.fillna(0),
        -frame["DAYS_BIRTH"],
        age,
    ]
    return np.stack([np.asarray(column, dtype=np.float64) for column in columns], axis=1)


def test_the_graph_gives_what_catboost_itself_predicts_from_features_made_by_pandas(tmp_path: Path) -> None:
    graph, inputs, saved = fitted("catboost", "published")
    (tmp_path / "catboost.cbm").write_bytes(saved)
    catboost = CatBoostClassifier().load_model(str(tmp_path / "catboost.cbm"))
    expected = catboost.predict_proba(published_by_pandas(sample()))[:, 1]
    assert expected.max() > 3 * expected.mean(), "a model that tells applicants apart"
    assert np.abs(graph.score(inputs) - expected).max() < 2e-7


@pytest.mark.parametrize(("family", "features"), CASES)
def test_a_score_does_not_depend_on_its_neighbours(family: str, features: str) -> None:
    """The same bits alone and in every batch size from 1 to 1,000."""
    graph, inputs, _ = fitted(family, features)
    alone = np.concatenate([graph.score(inputs[row : row + 1]) for row in range(1_000)])
    differing = [size for size in range(1, 1_001) if graph.score(inputs[:size]).tobytes() != alone[:size].tobytes()]
    assert differing == []
