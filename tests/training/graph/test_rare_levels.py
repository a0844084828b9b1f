"""Levels of codes with few rows have no weight of their own: numbers and texts, every family, inside the folds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from scoring.application import Level
from scoring.features import Block, category, optional, ordered, raw, raw_columns
from scoring.graph import Graph, Inputs
from scoring.scorecard import Scorecard
from scoring.scorecards import load
from tests.training.models import FEATURES, PARAMETERS
from training.calibration import fit_platt
from training.candidate import prepare_candidate
from training.competition_params import Candidate
from training.families.registry import FAMILIES
from training.graph.export import export_graph
from training.graph.frontend import feature_matrix
from training.graph.inputs import graph_inputs
from training.graph.levels import Merge, Merges, fit_merges

CARD, GERMAN = load("card_default"), load("german_credit")
STATED = 500


def clients(rows: int = 3_000) -> pd.DataFrame:
    """Return clients of which none with an unknown education defaults, as in the published rows."""
    frame = pd.DataFrame(CARD.sample(np.random.default_rng(4), rows))
    frame.loc[~frame["EDUCATION"].isin((1, 2, 3)), CARD.target] = 0
    return frame


def loans(rows: int = 1_000) -> pd.DataFrame:
    frame = pd.DataFrame(GERMAN.sample(np.random.default_rng(8), rows))
    frame[GERMAN.target] = (frame[GERMAN.target] == 2).astype(int)
    return frame


def merges_of(card: Scorecard, frame: pd.DataFrame, columns: Sequence[str], stated: int = STATED) -> Merges:
    return fit_merges(card, graph_inputs(frame, columns, card.text_columns), columns, stated)


def graph_of(card: Scorecard, frame: pd.DataFrame, family: str, features: str, parameters: dict[str, Any]) -> Graph:
    blocks = card.features[features](False)
    columns = [column for column in card.columns if column in raw_columns(blocks)]
    inputs = graph_inputs(frame, columns, card.text_columns)
    merges = fit_merges(card, inputs, columns, STATED)
    matrix = feature_matrix(blocks, columns, inputs, merges)
    labels = frame[card.target].to_numpy(dtype=np.int64)
    model = FAMILIES[family].fit(matrix, labels, parameters, 1)
    calibration = fit_platt(model.log_odds(matrix), labels)
    return Graph(export_graph(blocks, columns, model, calibration, merges))


def pd_of_each(graph: Graph, frame: pd.DataFrame, card: Scorecard, column: str) -> dict[Level, bytes]:
    """Return the PDs, to the bit, of all rows when each of them claims one level, by level."""
    (rule,) = (rule for rule in card.rules if rule.column == column)
    return {
        level: graph.score(graph_inputs(frame.assign(**{column: level}), graph.columns, card.text_columns)).tobytes()
        for level in rule.levels
    }


@pytest.mark.parametrize("family", sorted(FEATURES))
def test_claiming_an_unknown_education_changes_no_pd_of_any_family(family: str) -> None:
    frame = clients()
    graph = graph_of(CARD, frame, family, FEATURES[family], PARAMETERS[family])
    pds = pd_of_each(graph, frame[:300], CARD, "EDUCATION")
    assert {pds[code] for code in (0, 4, 5, 6)} == {pds[2]}
    assert len(set(pds.values())) > 1


@pytest.mark.parametrize(("family", "features"), [("logistic", "one_hot"), ("forest", "published")])
def test_rare_texts_share_a_weight_one_hot_and_in_order(family: str, features: str) -> None:
    frame = loans()
    frame.loc[frame["Purpose"].isin(("A44", "A48")), GERMAN.target] = 0
    graph = graph_of(GERMAN, frame, family, features, {"C": 1.0} if family == "logistic" else {"n_estimators": 30})
    (purpose,) = (merge for merge in merges_of(GERMAN, frame, graph.columns) if merge.column == "Purpose")
    assert {"A44", "A48", "A410"} <= {*purpose.levels, purpose.into}
    pds = pd_of_each(graph, frame[:300], GERMAN, "Purpose")
    assert {pds[level] for level in purpose.levels} == {pds[purpose.into]}
    assert len(set(pds.values())) > 1


def test_rare_levels_are_one_level_where_they_are_enough_together_and_else_the_most_frequent_one() -> None:
    codes = [0] * 30 + [1] * 400 + [2] * 500 + [3] * 49 + [4] * 21

    def merged(stated: int) -> Merges:
        frame = pd.DataFrame({"EDUCATION": codes})
        return merges_of(CARD, frame, ["EDUCATION"], stated)

    assert merged(0) == ()
    assert merged(1) == (Merge(column="EDUCATION", levels=(5, 6), into=2),)
    # Level 3 has 49 of 1,000 rows: fewer than a twentieth, so a larger number than 50 changes nothing.
    assert merged(50) == merged(5_000) == (Merge(column="EDUCATION", levels=(0, 4, 5, 6), into=3),)
    assert merged(40) == (Merge(column="EDUCATION", levels=(4, 5, 6), into=0),)


def test_a_level_that_is_rare_in_a_fold_has_no_weight_in_that_fold_alone() -> None:
    frame = clients(4_000).assign(EDUCATION=np.repeat([1, 2, 3], [300, 1_900, 1_800]))
    prepared = prepare_candidate(
        CARD,
        "some",
        Candidate(family="logistic", features="published", parameters={"C": 0.1}),
        frame,
        fold_count=4,
        seed=1,
        protected_fields=False,
        rare_level_rows=230,
    )
    place = [*CARD.features["published"](False)[0].names, "EDUCATION"].index("EDUCATION")
    assert set(np.unique(prepared.features[:, place])) == {1, 2, 3}
    for fold in prepared.folds:
        rows = int((frame["EDUCATION"].to_numpy()[fold.fitted] == 1).sum())
        # A quarter of them is held out, more or less.
        assert (1 in fold.features[:, place]) == (rows >= 0.05 * len(fold.fitted) or rows >= 230)


NUMBERS = np.array([[1, 5, -0.0], [2, np.nan, 1e-40], [3, 6, 7.5], [9, 5, np.nan]], dtype=np.float32)


@pytest.mark.parametrize(
    ("merges", "expected"),
    [
        ((Merge(column="a", levels=(2, 9), into=1),), [[1, 5], [1, None], [3, 6], [1, 5]]),
        ((Merge(column="b", levels=(None, 6), into=5),), [[1, 5], [2, 5], [3, 5], [9, 5]]),
        ((Merge(column="b", levels=(None,), into=6),), [[1, 5], [2, 6], [3, 6], [9, 5]]),
        ((Merge(column="b", levels=(5,), into=None),), [[1, None], [2, None], [3, 6], [9, None]]),
        (
            (Merge(column="a", levels=(3,), into=1), Merge(column="b", levels=(None, 5), into=6)),
            [[1, 6], [2, 6], [1, 6], [9, 6]],
        ),
    ],
)
def test_numbers_are_read_as_others_and_what_is_no_code_passes_to_the_bit(
    merges: Merges, expected: list[list[float | None]]
) -> None:
    blocks: list[Block] = [raw("a"), optional("b"), optional("c")]
    read = feature_matrix(blocks, ["a", "b", "c"], Inputs(NUMBERS), merges)
    assert [[None if np.isnan(value) else value for value in row] for row in read[:, :2].tolist()] == expected
    assert read[:, 2].tobytes() == NUMBERS[:, 2].tobytes()


@pytest.mark.parametrize(
    ("merge", "expected"),
    [
        (Merge(column="t", levels=("x", None), into="y"), [[0, 1, 1], [0, 1, 1], [0, 0, 2], [0, 1, 1]]),
        (Merge(column="t", levels=("x", "z"), into=None), [[0, 0, 0], [0, 1, 1], [0, 0, 0], [0, 0, 0]]),
        (Merge(column="t", levels=("w",), into="z"), [[1, 0, 0], [0, 1, 1], [0, 0, 2], [0, 0, 0]]),
    ],
)
def test_texts_are_read_as_others_also_where_one_is_missing_or_not_listed(
    merge: Merge, expected: list[list[float]]
) -> None:
    blocks = [category("t", "x", "y"), ordered("t", "x", "y", "z")]
    text = np.array([["x"], ["y"], ["z"], [""]], dtype=object)
    assert (
        feature_matrix(blocks, ["t"], Inputs(np.empty((4, 0), dtype=np.float32), text), (merge,)).tolist() == expected
    )


def test_a_code_is_a_field_of_few_whole_numbers() -> None:
    for column in ("LIMIT_BAL", "ID", "NOTHING"):
        with pytest.raises(ValueError, match=f"card_default: {column} is no field of at most 1,000 whole numbers"):
            replace(CARD, codes=frozenset({column}))
