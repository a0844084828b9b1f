"""Contributions against their definition, computed without the explain graph."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from itertools import permutations
from math import factorial

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import expit

from scoring.principal import ReasonChooser
from scoring.reasons import COALITION_ROWS
from scoring.scorecard import PROTECTED_GROUP
from scoring.scorecards import load, names
from tests.training import models
from tests.training.graph.explained import PLAN, SMALL, Case, by_definition, card_default, german_credit, plan
from tests.training.models import FEATURES
from training.graph.explain import coalitions, groups_read, shapley_weights, with_explain_graph

TREES = ("boosting", "catboost")
CASES: dict[str, Callable[[], Case]] = {
    **{family: partial(card_default, family) for family in FEATURES},
    "boosting-isotonic": partial(card_default, "boosting", "fp32", "isotonic"),
    "network-int8": partial(card_default, "network", "int8"),
    **{f"{family}-text": partial(german_credit, family) for family in SMALL},
    **{f"{family}-missing": partial(plan, family) for family in TREES},
    **{f"{family}-protected": partial(plan, family, protected=True) for family in TREES},
}


@pytest.fixture(params=CASES)
def case(request: pytest.FixtureRequest) -> Case:
    return CASES[request.param]()


def test_contributions_are_the_shapley_values_of_the_groups(case: Case) -> None:
    rows, reference = case.inputs[:20], case.explainer.reference_for(case.card.cutoff)
    found = case.explainer.contributions(rows, reference)
    assert np.abs(found - by_definition(case, rows, reference, by_graph=True)).max() <= 1e-6
    if b"QuantizeLinear" not in case.content:
        # The fitted model computes in double, the PD graph in float32.
        assert np.abs(found - by_definition(case, rows, reference, by_graph=False)).max() <= 3e-6


def test_contributions_add_up_to_the_log_odds_and_the_log_odds_give_the_pd(case: Case) -> None:
    rows, reference = case.inputs[:500], case.explainer.reference_for(case.card.cutoff)
    found = case.explainer.explain(rows, reference)
    gained = found.log_odds.astype(np.float64) - found.reference_log_odds
    assert np.abs(found.contributions.sum(axis=1, dtype=np.float64) - gained).max() <= 1e-5
    assert found.log_odds.tolist() == case.graph_log_odds(rows).tolist()
    assert case.graph.score(reference.inputs).tolist() == [np.float32(reference.pd)]
    if case.calibration.method == "platt":
        assert expit(found.log_odds.astype(np.float64)) == pytest.approx(case.graph.score(rows), abs=1e-6)


def test_an_explanation_does_not_depend_on_its_neighbours(case: Case) -> None:
    """The same bits alone, in batches of many sizes, and beyond the rows that are put together at once."""
    explainer = case.explainer
    reference = explainer.reference_for(case.card.cutoff)
    rows = case.inputs[:256]
    alone = np.concatenate([explainer.contributions(rows[row : row + 1], reference) for row in range(len(rows))])
    sizes = (2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 33, 64, 100, 128, 129, 200, 255, 256)
    assert [s for s in sizes if explainer.contributions(rows[:s], reference).tobytes() != alone[:s].tobytes()] == []
    several = explainer.contributions(rows.resized(COALITION_ROWS // 8 + 1), reference)
    assert several.tobytes() == np.resize(alone, several.shape).tobytes()


def test_stated_reasons_account_for_the_decline(case: Case) -> None:
    """With the reference's values in them the PD is lower, but on plateaus, and mostly below the cut-off."""
    explainer, graph, cutoff = case.explainer, case.graph, case.card.cutoff
    reference = explainer.reference_for(cutoff)
    pd = graph.score(case.inputs)
    is_declined = pd.astype(np.float64) >= cutoff
    declined = case.inputs[is_declined][:300]
    chooser = ReasonChooser(graph, explainer, reference, cutoff)
    chosen = chooser.choose(declined, explainer.explain(declined, reference), pd[is_declined][:300])
    without = graph.score(case.neutralised(declined, chosen.principal, reference))
    assert len(declined) > 20
    assert (without < graph.score(declined)).mean() >= 0.98
    assert (without.astype(np.float64) < cutoff).mean() >= 0.75


def test_protected_columns_add_up_but_are_never_stated() -> None:
    case = plan("catboost", protected=True)
    explainer = case.explainer
    assert explainer.groups == ("MONEY", "PLAN", "CHANNEL", PROTECTED_GROUP)
    reference = explainer.reference_for(0.3)
    found = explainer.explain(case.inputs, reference)
    assert np.abs(found.contributions[:, 3]).max() > 0.01, "the model uses them"
    chosen = ReasonChooser(case.graph, explainer, reference, 0.3).choose(
        case.inputs, found, case.graph.score(case.inputs)
    )
    assert max(max(reasons, default=0) for reasons in chosen.principal) < 3
    assert plan("catboost").explainer.groups == ("MONEY", "PLAN", "CHANNEL")


@pytest.mark.parametrize("name", names())
def test_no_protected_column_is_in_a_group_of_any_scorecard(name: str) -> None:
    card = load(name)
    groups = groups_read(card, card.inputs)
    assert [group.code for group in groups] == [*(group.code for group in card.reasons), PROTECTED_GROUP]
    assert set(groups[-1].columns) == card.protected
    assert not card.protected & {column for group in groups[:-1] for column in group.columns}


def test_groups_of_which_nothing_is_read_are_left_out() -> None:
    assert [(group.code, group.columns) for group in groups_read(PLAN, ["DEBT", "AGE", "COLOUR"])] == [
        ("MONEY", ("DEBT",)),
        ("PLAN", ("COLOUR",)),
        (PROTECTED_GROUP, ("AGE",)),
    ]


@given(st.integers(1, 6), st.data())
def test_weights_give_shapley_values_of_any_game(groups: int, data: st.DataObject) -> None:
    """Against the marginal gains over all orders."""
    values = np.array(data.draw(st.lists(st.floats(-10, 10), min_size=2**groups, max_size=2**groups)))
    expected = np.zeros(groups)
    for order in permutations(range(groups)):
        joined = 0
        for group in order:
            expected[group] += values[joined | 1 << group] - values[joined]
            joined |= 1 << group
    assert values @ shapley_weights(groups) == pytest.approx(expected / factorial(groups), abs=1e-9)
    assert (coalitions(groups) @ (1 << np.arange(groups))).tolist() == list(range(2**groups))


@pytest.mark.parametrize("family", ["network", "boosting"])
def test_the_same_model_gives_the_same_bytes(family: str) -> None:
    case = card_default(family)
    fitted = models.fitted(family)
    assert with_explain_graph(case.card, case.content, fitted.inputs, fitted.features).explain == case.explain


def test_an_explain_graph_names_the_graph_that_it_explains(case: Case) -> None:
    assert case.explainer.explains == case.graph.sha256
