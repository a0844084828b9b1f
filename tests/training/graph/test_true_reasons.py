"""Letters to declined applicants say what the applicants' own fields bear out, and speak of what was left out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from scoring.graph import Inputs
from scoring.models import Content
from scoring.reasons import Explainer, Reference
from scoring.scorecard import ReasonGroup
from scoring.scorecards import load
from scoring.statements import Statement, above, below, differs, missing
from tests.serving.toy import without_statements
from tests.training.graph.explained import PLAN, Case, card_default, german_credit, made
from tests.training.true_reasons import Letters, letters
from training.evaluation.reason_figures import reason_figures
from training.graph.inputs import graph_inputs

CASES: dict[str, Callable[[], Case]] = {
    "card_default": lambda: card_default("boosting"),
    "german_credit": lambda: german_credit("forest"),
    "card_approval": lambda: made(load("card_approval"), "engineered", "logistic", "platt", False),
}
SPOKEN = replace(
    PLAN,
    reasons=(
        ReasonGroup(
            "MONEY",
            "Income and debt count against the application.",
            ("INCOME", "DEBT"),
            (
                Statement("DEBT_TOO_HIGH", "The debt is too high.", above("DEBT", floor=0)),
                # In the sample rows a high income speaks for a default.
                Statement("INCOME_TOO_HIGH", "The income is too high.", above("INCOME")),
                Statement("DEBT_NOT_GIVEN", "The debt was not given.", missing("DEBT")),
                Statement("OTHER", "The income or the debt counts against the application.", differs("INCOME", "DEBT")),
            ),
        ),
        ReasonGroup(
            "PLAN",
            "The plan counts against the application.",
            ("PRICE", "MONTHS", "COLOUR"),
            (
                Statement("TOO_SHORT", "The plan is too short.", below("MONTHS")),
                Statement("PRICE_TOO_HIGH", "The price is too high.", above("PRICE")),
                Statement("PRICE_NOT_GIVEN", "The price was not given.", missing("PRICE")),
                Statement("OTHER", "The plan counts against the application.", differs("PRICE", "MONTHS", "COLOUR")),
            ),
        ),
        ReasonGroup(
            "CHANNEL",
            "The way of selling counts against the application.",
            ("CHANNEL",),
            (
                Statement("NOT_GIVEN", "The way of selling was not given.", missing("CHANNEL")),
                Statement("OTHER", "The way of selling counts against the application.", differs("CHANNEL")),
            ),
        ),
    ),
)


def with_gaps(case: Case, seed: int, rows: int = 1_500) -> pd.DataFrame:
    """Sample rows, of which a fifth lacks each field that may be missing."""
    frame = pd.DataFrame(case.card.sample(np.random.default_rng(seed), rows))
    generator = np.random.default_rng(seed)
    for rule in case.card.rules:
        if case.card.may_be_missing(rule):
            frame.loc[generator.random(len(frame)) < 0.2, rule.column] = None
    return frame


@pytest.mark.parametrize("name", CASES)
def test_every_sentence_is_true_of_the_applicant_s_own_fields(name: str) -> None:
    case = CASES[name]()
    found = letters(case.card, case.graph, case.explainer, with_gaps(case, 21))
    assert len(found.rows) > 20
    assert found.untrue == []
    assert [gap for gap in found.gaps if not gap[2]] == []
    assert {len(letter) for letter in found.statements} <= {1, 2, 3, 4}
    assert None not in {statement for letter in found.statements for _, statement in letter}


def plan_letters(*, spoken: bool = True) -> Letters:
    case = made(SPOKEN, "fields", "boosting", "platt", False)
    explain = case.explain if spoken else without_statements(Content(case.content, case.explain)).explain
    return letters(case.card, case.graph, Explainer(explain), with_gaps(case, 22))


def test_one_missing_field_that_is_enough_is_always_spoken_of() -> None:
    found = plan_letters()
    assert None not in {found.reference.values[name] for name in ("DEBT", "PRICE", "CHANNEL")}
    assert len(found.gaps) > 20
    assert [gap for gap in found.gaps if not gap[2]] == []
    saying = {
        "DEBT": ("MONEY", "DEBT_NOT_GIVEN"),
        "PRICE": ("PLAN", "PRICE_NOT_GIVEN"),
        "CHANNEL": ("CHANNEL", "NOT_GIVEN"),
    }
    assert all(saying[column] in found.statements[row] for row, column, _ in found.gaps)
    assert {row for row, _, _ in found.gaps} == {row for row, groups in enumerate(found.chosen.fillable) if groups}


def test_a_model_of_an_earlier_version_chooses_as_it_did_and_claims_nothing() -> None:
    found = plan_letters(spoken=False)
    assert {statement for letter in found.statements for _, statement in letter} == {None}
    assert [gap for gap in found.gaps if not gap[2]], "which is what its decisions' replay needs"


def test_what_is_said_of_a_group_is_the_first_statement_that_brings_half_of_what_the_best_brings() -> None:
    found = plan_letters()
    numeric, own = found.graph.numeric_columns, found.graph.score(found.inputs)

    def fall(*columns: str) -> NDArray[np.float32]:
        places = [numeric.index(column) for column in columns]
        values = found.inputs.numeric.copy()
        values[:, places] = found.reference.inputs.numeric[0, places]
        return own - found.graph.score(replace(found.inputs, numeric=values))

    by_income, by_debt, by_both = fall("INCOME"), fall("DEBT"), fall("INCOME", "DEBT")
    values, reference = found.inputs.numeric, found.reference.inputs.numeric[0]
    income, debt = numeric.index("INCOME"), numeric.index("DEBT")
    both = (values[:, income] > reference[income]) & (values[:, debt] > reference[debt])
    said = {"DEBT_TOO_HIGH": 0, "INCOME_TOO_HIGH": 0}
    for row in np.flatnonzero(both).tolist():
        statement = dict(found.statements[row]).get("MONEY")
        if statement in said:
            said[statement] += 1
            best = max(by_income[row], by_debt[row], by_both[row])
            assert (by_debt[row] >= 0.5 * best - 1e-6) == (statement == "DEBT_TOO_HIGH")
    assert min(said.values()) > 0


def test_the_figures_count_gaps_that_go_unspoken_also_where_the_reference_shares_them() -> None:
    case = made(SPOKEN, "fields", "boosting", "platt", False)
    inputs = graph_inputs(with_gaps(case, 23), case.columns, SPOKEN.text_columns)

    def counted(explainer: Explainer) -> tuple[int, int]:
        figures = reason_figures(SPOKEN, case.graph, explainer, inputs, SPOKEN.cutoff)
        return figures.contradicted, figures.unspoken_gaps

    assert counted(Explainer(case.explain)) == (0, 0)
    assert counted(Explainer(without_statements(Content(case.content, case.explain)).explain))[1] > 0
    lacking = Explainer(case.explain)
    reference = lacking.reference_for(SPOKEN.cutoff)
    numeric = reference.inputs.numeric.copy()
    numeric[0, [case.graph.numeric_columns.index(name) for name in ("DEBT", "PRICE")]] = np.nan
    shared = Inputs(numeric, reference.inputs.text)
    lacking.references = [Reference.of(reference.pd, shared, case.graph.numeric_columns, case.graph.text_columns)]
    assert counted(lacking)[1] > 0
