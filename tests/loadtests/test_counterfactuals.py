"""Counterfactuals of every scorecard's sample applicants, by a small model of each."""

from __future__ import annotations

from functools import cache

import numpy as np
import pandas as pd
import pytest

from loadtests.benchmarks.counterfactuals import application
from scoring import scorecards
from scoring.changeable import MOST_COMBINATIONS, Changeable
from scoring.counterfactual.search import smallest_change
from scoring.features import raw_columns
from scoring.frames import thin_frame
from scoring.graph import Graph
from scoring.scorecards import load
from training.calibration import fit_platt
from training.families.registry import FAMILIES
from training.graph.export import export_graph
from training.graph.frontend import feature_matrix
from training.graph.inputs import graph_inputs

ROWS = 2_000
SEARCHED = 25


@cache
def fitted(name: str) -> tuple[pd.DataFrame, Graph]:
    """Sample applications and the graph of a small model of them."""
    card = load(name)
    sample = pd.DataFrame(card.sample(np.random.default_rng(4), ROWS))
    frame = pd.concat([sample, pd.DataFrame(dict(card.history), sample.index)], axis=1)
    labels = frame[card.target].to_numpy() == card.target_values[1]
    blocks = card.features["engineered"](False)
    columns = [column for column in card.inputs if column in raw_columns(blocks)]
    features = feature_matrix(blocks, columns, graph_inputs(frame, columns, card.text_columns))
    model = FAMILIES["boosting"].fit(features, labels.astype(np.int64), {"n_estimators": 30, "num_leaves": 6}, 5)
    calibration = fit_platt(model.log_odds(features), labels.astype(np.int64))
    return frame, Graph(export_graph(blocks, columns, model, calibration))


@pytest.mark.parametrize("name", scorecards.names())
def test_the_answer_sent_back_is_approved_and_keeps_to_what_can_be_changed(name: str) -> None:
    card = load(name)
    table, graph = fitted(name)
    pds = graph.score(graph_inputs(table, graph.columns, graph.text_columns)).astype(np.float64)
    # Half of these applicants are declined, the ones next to the cut-off among them.
    cutoff = float(np.median(pds))
    frame = thin_frame(card, graph.columns)
    model = card.request_model(graph.columns)
    declared = {one.column: one for one in card.changeable}
    declined = np.flatnonzero(pds >= cutoff)
    nearest = declined[np.argsort(pds[declined])][: 4 * SEARCHED : 4]
    found = 0
    for position in nearest.tolist():
        sent = application(card, model, table.iloc[position])
        result = smallest_change(card, sent, graph.columns, frame.inputs([sent]), graph.score, cutoff)
        assert result is not None
        assert result.tried <= MOST_COMBINATIONS
        assert result.exhaustive or len(result.changes) != 1, "of one field alone every step is tried"
        assert {field.field for field in result.searched} <= set(declared) - card.protected
        if not result.found:
            continue
        found += 1
        again = sent.model_dump(by_alias=True) | {change.field: change.to for change in result.changes}
        changed = model.model_validate(again)
        assert graph.score(frame.inputs([changed])).tolist() == [result.pd]
        assert result.pd is not None
        assert result.pd < cutoff
        for change in result.changes:
            assert sent.model_dump(by_alias=True)[change.field] == change.from_
            _permitted(declared[change.field], change.from_, change.to)
        for top, bottom in card.held_ratios:
            before, after = sent.model_dump(by_alias=True), changed.model_dump(by_alias=True)
            if before[top] is not None and before[bottom] is not None:
                assert after[top] / after[bottom] <= before[top] / before[bottom] * (1 + 1e-12)
    assert found > 0


def _permitted(declared: Changeable, before: float | str, after: float | str) -> None:
    if isinstance(before, str) or isinstance(after, str):
        assert after in declared.choices
        return
    assert declared.minimum <= after <= declared.maximum
    assert (after - declared.minimum) % declared.step == 0
    assert declared.direction == "either" or (after > before) == (declared.direction == "up")
