from __future__ import annotations

import numpy as np
import pytest
from pydantic import ValidationError

from scoring.scorecards import load
from training.evaluation.checks import Check, approval_gaps, at_least, at_most, failed, impact_ratios
from training.evaluation.extremes import extreme_applications
from training.evaluation.fairness import GroupRate

CARD = load("card_default")


def group(column: str, approval_rate: float) -> GroupRate:
    return GroupRate(column=column, group="g", rows=50, default_share=0.2, mean_pd=0.2, approval_rate=approval_rate)


def test_a_limit_itself_still_holds() -> None:
    assert at_most("x", 0.5, 0.5).holds
    assert at_least("x", 0.5, 0.5).holds
    assert failed({"a": at_most("x", 0.6, 0.5), "b": at_least("x", 0.6, 0.5), "c": at_least("x", 0.4, 0.5)}) == [
        "a",
        "c",
    ]


def test_a_figure_that_is_no_number_fails_and_can_be_written_and_read() -> None:
    check = at_most("x", float("nan"), 1)
    assert not check.holds
    assert not at_least("x", float("nan"), 1).holds
    assert np.isnan(Check.model_validate_json(check.model_dump_json()).value)


def test_gap_and_impact_ratio_are_of_the_outermost_groups_of_each_column() -> None:
    groups = [group("SEX", 0.6), group("SEX", 0.8), group("AGE", 0.5), group("AGE", 0.9), group("AGE", 0.45)]
    assert approval_gaps(groups) == pytest.approx({"SEX": 0.2, "AGE": 0.45})
    assert impact_ratios(groups) == pytest.approx({"SEX": 0.75, "AGE": 0.5})


def test_a_column_with_one_group_has_no_gap_and_nobody_approved_no_impact() -> None:
    assert approval_gaps([group("SEX", 0.6)]) == {}
    assert impact_ratios([group("SEX", 0.0), group("SEX", 0.0)]) == {"SEX": 1.0}


def test_extreme_applications_reach_both_edges_of_every_field_and_are_valid() -> None:
    model = CARD.request_model(CARD.columns)
    applications = extreme_applications(model, CARD.example, seed=1)
    for rule in CARD.rules:
        values = {getattr(application, rule.field) for application in applications}
        assert {rule.minimum, rule.maximum} <= values, rule.field
        with pytest.raises(ValidationError):
            model.model_validate({**CARD.example, rule.column: rule.maximum + 1})
