from __future__ import annotations

import pytest

from tests.markdown import unpadded
from training.evaluation.intervals import Estimate
from training.evaluation.reason_figures import GroupFigures, ReasonFigures
from training.evaluation.report import markdown

REASONS = ReasonFigures(
    rows=200,
    declined=40,
    cutoff=0.25,
    reference_pd=0.2499,
    groups=[
        GroupFigures(code="BALANCES", mean_contribution=0.1, stated_share=0.5, said={"TOO_HIGH": 0.5}),
        GroupFigures(code="PAYMENT_DELAYS", mean_contribution=0.7, stated_share=0.9, said={}),
    ],
    reached_share=0.975,
    lowered_share=1.0,
    contradicted=0,
    unspoken_gaps=0,
    additivity=1e-7,
)


def report(low: float, value: float, high: float) -> str:
    auc: Estimate = {"value": value, "low": low, "high": high}
    return unpadded(markdown("made_up", [], "one", {"auc": auc}, [], REASONS, []))


def test_an_auc_whose_interval_includes_one_half_is_called_no_better_than_chance() -> None:
    text = report(0.46, 0.5012, 0.55)
    assert "**No better than chance:** the interval of the AUC, 0.4600 to 0.5500, does not lie above 0.5." in text
    assert text.index("No better than chance") < text.index("| auc |")


@pytest.mark.parametrize(("low", "high", "said"), [(0.5, 0.6, True), (0.42, 0.48, True), (0.5001, 0.6, False)])
def test_only_an_interval_wholly_above_one_half_is_not(low: float, high: float, said: bool) -> None:
    assert ("No better than chance" in report(low, (low + high) / 2, high)) == said


def test_reasons_come_with_how_far_they_go() -> None:
    section = report(0.6, 0.7, 0.8).partition("## Reasons\n\n")[2].partition("## Protected")[0]
    assert section.splitlines()[2:4] == [
        "| PAYMENT_DELAYS | 0.700 | 90.0% of declines |",
        "| BALANCES | 0.100 | 50.0% of declines |",
    ]
    assert "PD 0.2499, on 200 rows; reasons are stated for the 40 declines." in section
    assert "97.5% of them would be approved, and 100.0% would have a lower PD." in section
