"""Reference applicants: typical, permitted, nobody's record, and as near to their level as can be."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable

import numpy as np
import pytest
from scipy.special import logit

from scoring.expected import DataError
from scoring.graph import Inputs
from tests.training.graph.explained import Case, card_default, german_credit, plan
from training.graph.references import LEVELS, NOBODY_S_OWN, reference_ladder

CASES: dict[str, Callable[[], Case]] = {
    "network": lambda: card_default("network"),
    "int8": lambda: card_default("network", "int8"),
    "isotonic": lambda: card_default("boosting", "fp32", "isotonic"),
    "text": lambda: german_credit("catboost"),
    "missing": lambda: plan("boosting"),
    "protected": lambda: plan("catboost", protected=True),
}


@pytest.fixture(params=CASES)
def case(request: pytest.FixtureRequest) -> Case:
    return CASES[request.param]()


def test_each_has_the_pd_that_it_says_by_the_pd_graph(case: Case) -> None:
    graph = case.graph
    for reference in case.explainer.references:
        assert graph.score(reference.inputs).astype(np.float64).tolist() == [reference.pd]


def test_they_span_the_pds_that_occur_and_one_is_just_below_the_cutoff(case: Case) -> None:
    pds = [reference.pd for reference in case.explainer.references]
    low, high = np.quantile(case.graph.score(case.inputs), (0.05, 0.95))
    assert pds == sorted(pds)
    assert LEVELS // 2 < len(pds) <= LEVELS + 1
    assert pds[0] < low
    assert pds[-1] > high
    nearest = case.explainer.reference_for(case.card.cutoff).pd
    assert 0 < logit(case.card.cutoff) - logit(nearest) < 0.2


def test_each_holds_the_contract_of_an_application(case: Case) -> None:
    card = case.card
    example = {rule.column: rule.choices[0] if rule.choices else rule.minimum for rule in card.rules if rule.required}
    kinds = {rule.column: rule.kind for rule in card.rules}
    for reference in case.explainer.references:
        given = {
            column: int(value) if kinds[column] == "integer" and value == int(value) else value
            for column, value in reference.values.items()
            if value is not None
        }
        assert card.application.model_validate(example | given)


def test_none_is_one_person_s_record(case: Case) -> None:
    rows = Counter(map(values, (case.inputs[row : row + 1] for row in range(len(case.inputs)))))
    assert not {rows[values(reference.inputs)] for reference in case.explainer.references} & set(range(1, NOBODY_S_OWN))


def test_their_values_are_the_row_that_the_graph_reads(case: Case) -> None:
    graph = case.graph
    for reference in case.explainer.references:
        assert list(reference.values) == list(graph.columns)
        numbers = [reference.values[column] for column in graph.numeric_columns]
        known = [None if np.isnan(value) else value for value in reference.inputs.numeric[0].tolist()]
        assert numbers == known
        if reference.inputs.text is not None:
            assert [reference.values[name] or "" for name in graph.text_columns] == reference.inputs.text[0].tolist()


def test_missing_values_are_null_in_the_graph_s_file() -> None:
    references = CASES["missing"]().explainer.references
    entries = json.loads(json.dumps([reference.to_json() for reference in references], allow_nan=False))
    assert [entry["values"] for entry in entries] == [reference.values for reference in references]


def test_a_value_is_one_that_occurs_or_missing() -> None:
    graph = CASES["missing"]().graph
    generator = np.random.default_rng(1)
    numeric = generator.choice(np.array([10, 20, 40], dtype=np.float32), (400, len(graph.numeric_columns)))
    debt = graph.numeric_columns.index("DEBT")
    numeric[generator.random(400) < 0.6, debt] = np.nan
    text = generator.choice(np.array(["web", "shop", ""], dtype=object), (400, 2))
    ladder = reference_ladder(graph, Inputs(numeric, text), numeric[:, :1], 0.9999)
    found = {value for reference in ladder for value in reference.values.values()}
    assert {"web", "shop", None} <= found <= {10, 20, 40, "web", "shop", None}


def test_a_value_that_most_applicants_have_is_never_missing_and_one_that_most_lack_always_is() -> None:
    case = CASES["missing"]()
    graph, generator, rows = case.graph, np.random.default_rng(2), len(case.inputs)
    numeric = case.inputs.numeric.copy()
    price, months = (graph.numeric_columns.index(name) for name in ("PRICE", "MONTHS"))
    numeric[generator.random(rows) < 0.55, price] = np.nan
    # 60 stands for none.
    numeric[generator.random(rows) < 0.45, months] = 60
    ladder = reference_ladder(graph, Inputs(numeric, case.inputs.text), numeric[:, :1], 0.9999, {"MONTHS": (60,)})
    assert len(ladder) > 10
    values_of = {name: [reference.values[name] for reference in ladder] for name in graph.columns}
    assert None not in values_of["DEBT"] + values_of["CHANNEL"], "which 30 % of the rows lack"
    assert set(values_of["PRICE"]) == {None}
    assert 60 not in values_of["MONTHS"]
    numeric[generator.random(rows) < 0.3, months] = 60
    ladder = reference_ladder(graph, Inputs(numeric, case.inputs.text), numeric[:, :1], 0.9999, {"MONTHS": (60,)})
    assert {reference.values["MONTHS"] for reference in ladder} == {60}, "which most have now"


def test_a_cutoff_that_declines_everybody_is_refused() -> None:
    case = CASES["network"]()
    with pytest.raises(DataError, match="no typical applicant has a PD below the cut-off 1e-06; reasons need one"):
        reference_ladder(case.graph, case.inputs, case.inputs.numeric, 1e-6)


def test_a_cutoff_that_approves_everybody_takes_the_highest() -> None:
    explainer = CASES["network"]().explainer
    assert explainer.reference_for(0.999) is explainer.references[-1]


def values(row: Inputs) -> tuple[bytes, tuple[str, ...]]:
    return row.numeric.tobytes(), () if row.text is None else tuple(row.text[0])
