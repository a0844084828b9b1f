from __future__ import annotations

import pytest

from training.metrics import Estimate
from training.report import markdown


def report(low: float, value: float, high: float) -> str:
    auc: Estimate = {"value": value, "low": low, "high": high}
    return markdown("made_up", [], "one", {"auc": auc}, [], [])


def test_an_auc_whose_interval_includes_one_half_is_called_no_better_than_chance() -> None:
    text = report(0.46, 0.5012, 0.55)
    assert "**No better than chance:** the interval of the AUC, 0.4600 to 0.5500, does not lie above 0.5." in text
    assert text.index("No better than chance") < text.index("| auc |")


@pytest.mark.parametrize(("low", "high", "said"), [(0.5, 0.6, True), (0.42, 0.48, True), (0.5001, 0.6, False)])
def test_only_an_interval_wholly_above_one_half_is_not(low: float, high: float, said: bool) -> None:
    assert ("No better than chance" in report(low, (low + high) / 2, high)) == said
