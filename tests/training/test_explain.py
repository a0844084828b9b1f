"""Contributions against their definition, computed without the explain graph."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
import pytest

from tests.training.explained import SMALL, Case, by_definition, card_default, german_credit, plan
from tests.training.models import FEATURES

METHODS = ("platt", "isotonic")
TREES = ("boosting", "catboost")
CASES: dict[str, Callable[[], Case]] = {
    **{
        f"{family}-{method}": partial(card_default, family, "fp32", method) for family in FEATURES for method in METHODS
    },
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
