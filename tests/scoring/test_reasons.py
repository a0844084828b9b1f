from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from scoring.graph import GraphIntegrityError
from scoring.reasons import MINOR, MOST_PRINCIPAL, NEGLIGIBLE, Explainer, principal_reasons
from tests.serving import toy

GROUPS = 6


@pytest.fixture(scope="module")
def explainer() -> Explainer:
    return Explainer(toy.content().explain)


def test_the_groups_are_those_of_the_scorecard(explainer: Explainer) -> None:
    assert explainer.groups == tuple(group.code for group in toy.SCORECARD.reasons)


def test_the_reference_is_the_approved_one_nearest_to_the_cutoff(explainer: Explainer) -> None:
    pds = [reference.pd for reference in explainer.references]
    assert pds == sorted(set(pds))
    for cutoff in (0.2, toy.SCORECARD.cutoff, pds[3], np.nextafter(pds[3], 1), 0.99):
        assert explainer.reference_for(cutoff).pd == max(pd for pd in pds if pd < cutoff)


def test_a_cutoff_below_every_reference_is_refused(explainer: Explainer) -> None:
    with pytest.raises(LookupError, match=r"no reference applicant has a PD below the cut-off 0\.0001"):
        explainer.reference_for(0.0001)


def test_no_rows_have_no_reasons(explainer: Explainer) -> None:
    none = explainer.references[0].inputs[:0]
    found = explainer.explain(none, explainer.references[0])
    assert (found.contributions.shape, found.log_odds.shape, found.principal) == ((0, GROUPS), (0,), [])


def test_the_reference_itself_has_no_reasons(explainer: Explainer) -> None:
    reference = explainer.reference_for(0.25)
    found = explainer.explain(reference.inputs, reference)
    assert np.abs(found.contributions).max() < 1e-12
    assert found.principal == [()]
    assert found.log_odds == found.reference_log_odds


def test_a_pd_graph_is_no_explain_graph() -> None:
    with pytest.raises(GraphIntegrityError, match="the file is not an explain graph"):
        Explainer(toy.graph(toy.COLUMNS))


def values_of(weights: list[float]) -> NDArray[np.float32]:
    """Return values of groups that simply add up, [1, coalitions]."""
    members = (np.arange(2 ** len(weights))[:, None] >> np.arange(len(weights))) & 1
    return np.asarray([members @ np.array(weights)], dtype=np.float32)


def test_the_weightiest_four_are_stated_in_order() -> None:
    weights = [0.1, 0.5, -0.2, 0.4, 0.3, 0.2]
    assert principal_reasons(np.array([weights], dtype=np.float32), values_of(weights), GROUPS) == [(1, 3, 4, 5)]


def test_what_speaks_against_a_default_is_no_reason() -> None:
    weights = [0.0, 0.5, -0.2, -0.1, 0.3, -0.2]
    assert principal_reasons(np.array([weights], dtype=np.float32), values_of(weights), GROUPS) == [(1, 4)]


def test_a_protected_group_is_never_stated() -> None:
    weights = [0.1, 0.2, 9.0]
    assert principal_reasons(np.array([weights], dtype=np.float32), values_of(weights), 2) == [(1, 0)]


def test_a_set_that_reaches_approval_goes_before_a_weightier_one_that_does_not() -> None:
    contributions = np.array([[0.5, 0.4, 0.3, 0.2, 0.1, 0.0]], dtype=np.float32)
    values = np.ones((1, 64), dtype=np.float32)
    values[0, 0] = 0.0
    for chosen in ((0, 4), (1, 2, 4)):
        values[0, 63 - sum(1 << group for group in chosen)] = -0.1
    assert principal_reasons(contributions, values, GROUPS) == [(1, 2, 4)]


weight = st.floats(-2, 2, width=32)


@given(st.data())
def test_the_stated_set_is_the_weightiest_of_those_that_reach_approval(data: st.DataObject) -> None:
    groups = data.draw(st.integers(1, 6))
    statable = data.draw(st.integers(0, groups))
    row = data.draw(st.lists(weight, min_size=groups, max_size=groups))
    values = np.array([data.draw(st.lists(weight, min_size=2**groups, max_size=2**groups))], dtype=np.float32)
    (stated,) = principal_reasons(np.array([row], dtype=np.float32), values, statable)

    def total(chosen: tuple[int, ...]) -> float:
        return sum(row[group] for group in chosen)

    def reaches(chosen: tuple[int, ...]) -> bool:
        own = [group for group in range(groups) if group not in chosen]
        return bool(values[0, sum(1 << group for group in own)] <= values[0, 0])

    speaking = [group for group in range(statable) if row[group] > NEGLIGIBLE]
    every = [found for size in range(1, MOST_PRINCIPAL + 1) for found in combinations(speaking, size)]
    enough = [found for found in every if reaches(found)]
    assert list(stated) == sorted(stated, key=lambda group: -row[group])
    assert set(stated) <= set(speaking)
    assert reaches(stated) or not enough
    # What is left out of the weightiest set is minor, each in its turn, and not needed.
    most = max(map(total, enough or every), default=0)
    wholes = [
        sorted(found, key=lambda group: -row[group]) for found in (enough or every or [()]) if total(found) == most
    ]
    assert any(
        list(stated) == whole[: len(stated)]
        and all(row[group] < MINOR * row[whole[0]] for group in whole[len(stated) :])
        for whole in wholes
    )
    if len(stated) > 1 and row[stated[-1]] < MINOR * row[stated[0]]:
        assert not reaches(stated[:-1])
