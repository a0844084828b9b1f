from __future__ import annotations

import numpy as np
import pytest

from scoring.graph import GraphIntegrityError
from scoring.reasons import Explainer
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
    assert (found.contributions.shape, found.log_odds.shape, found.values.shape) == ((0, GROUPS), (0,), (0, 64))


def test_the_reference_itself_has_no_reasons(explainer: Explainer) -> None:
    reference = explainer.reference_for(0.25)
    found = explainer.explain(reference.inputs, reference)
    assert np.abs(found.contributions).max() < 1e-12
    assert found.log_odds == found.reference_log_odds


def test_a_graph_of_an_earlier_version_has_no_statements(explainer: Explainer) -> None:
    assert explainer.statements is not None
    assert Explainer(toy.without_statements(toy.content()).explain).statements is None


def test_a_pd_graph_is_no_explain_graph() -> None:
    with pytest.raises(GraphIntegrityError, match="the file is not an explain graph"):
        Explainer(toy.graph(toy.COLUMNS))
