from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from scoring.expected import DataError
from tests.conftest import real_data
from tests.markdown import unpadded
from training.evaluation.intervals import Estimate
from training.evaluation.leakage import (
    HONEST,
    MODELS,
    WAYS,
    HeldOutRows,
    Way,
    compare_splits,
    markdown,
    measure,
    thinned,
)
from training.split import applicants, folds

WAY = {way.name: way for way in WAYS}
BOTH_SIDES = WAY["identical applicants on both sides"]
THINNED_BEFORE = WAY["together, thinned before the split"]


def rows_without_a_signal(most_rows: int = 2) -> HeldOutRows:
    """3,000 applicants of one row up to so many; a coin decides whether one defaults, the same for all of its rows."""
    generator = np.random.default_rng(0)
    applicant = np.repeat(np.arange(3_000), np.arange(3_000) % most_rows + 1)
    features = generator.normal(size=(3_000, 3)).astype(np.float32)[applicant]
    labels = (generator.random(3_000) < 0.015).astype(np.int64)[applicant]
    return HeldOutRows(features, labels, applicant)


def auc(way: Way, most_rows: int = 2, smallest_leaf: int = 2) -> tuple[float, float, float]:
    rows, parameters = rows_without_a_signal(most_rows), {"n_estimators": 30, "min_samples_leaf": smallest_leaf}
    item = measure(rows, way, "forest", parameters, resamples=100, seed=1)
    return item["low"], item["value"], item["high"]


def test_held_out_honestly_labels_without_a_signal_are_at_chance() -> None:
    low, value, high = auc(HONEST)
    assert low < 0.5 < high
    assert low < value < high


def test_identical_applicants_on_both_sides_make_labels_without_a_signal_look_predictable() -> None:
    low, value, _ = auc(BOTH_SIDES)
    assert low > 0.6
    assert value > 0.75


def test_thinning_before_the_split_does_too_where_no_applicant_has_a_double() -> None:
    assert auc(THINNED_BEFORE, most_rows=1, smallest_leaf=5)[0] > 0.6
    low, _, high = auc(HONEST, most_rows=1, smallest_leaf=5)
    assert low < 0.5 < high


def test_thinning_keeps_every_default_and_four_others_for_each() -> None:
    rows = rows_without_a_signal()
    kept = thinned(rows)
    assert kept.tolist() == sorted(set(kept.tolist()))
    assert set(np.flatnonzero(rows.labels)) <= set(kept.tolist())
    assert len(kept) == 5 * rows.labels.sum()


def test_where_there_is_nothing_to_thin_it_says_so_before_it_fits_a_model() -> None:
    rows = HeldOutRows(np.zeros((4, 1), dtype=np.float32), np.array([0, 1, 0, 1]), np.arange(4))
    told: list[str] = []
    with pytest.raises(DataError, match="nothing to thin: 50% of the rows are defaults"):
        compare_splits(rows, resamples=20, seed=1, tell=lambda what, steps: told.append(what))
    assert told == []


def test_the_table_has_a_line_for_each_way_and_a_column_for_each_model() -> None:
    item: Estimate = {"value": 0.5, "low": 0.4567, "high": 0.6}
    lines = unpadded(markdown({way.name: dict.fromkeys(MODELS, item) for way in WAYS})).splitlines()
    assert lines[0] == f"| rows held out | {' | '.join(MODELS)} |"
    assert lines[2] == f"| {HONEST.name} |" + " 0.500 (0.457 to 0.600) |" * len(MODELS)
    assert len(lines) == 2 + len(WAYS)


@pytest.mark.slow
@pytest.mark.skipif(real_data("card_approval") is None, reason="the published card_approval data are not here")
def test_the_real_label_is_at_chance_unless_the_split_is_careless() -> None:
    from scoring.scorecards import load
    from training.graph.frontend import feature_matrix
    from training.graph.inputs import graph_inputs

    card = load("card_approval")
    frame = pd.read_csv(str(real_data("card_approval")), keep_default_na=False, na_values=["None"])
    applicant = applicants(card, frame)
    assert len(np.unique(applicant)) == 8_563
    columns = list(card.columns)
    features = feature_matrix(
        card.features["published"](True), columns, graph_inputs(frame, columns, card.text_columns)
    )
    rows = HeldOutRows(features, frame["Default"].to_numpy(), applicant)
    for fitted, held_out in folds(applicant, rows.labels, 5, 42):
        assert not set(applicant[fitted]) & set(applicant[held_out])
    for family, parameters in MODELS.items():
        shuffled = measure(rows, WAY["the same, labels shuffled"], family, parameters, resamples=200, seed=42)
        honest = measure(rows, HONEST, family, parameters, resamples=200, seed=42)
        assert honest["low"] <= 0.5, family
        assert honest["low"] < shuffled["high"], f"{family}: no better than with labels that say nothing"
        careless = measure(
            rows, WAY["on both sides, thinned before the split"], family, parameters, resamples=200, seed=42
        )
        assert careless["low"] > 0.6, family
