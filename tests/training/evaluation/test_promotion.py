"""Gates of a promotion, on figures that are given."""

from __future__ import annotations

from typing import Any

import pytest

from training.evaluation.checks import failed
from training.evaluation.promotion import HOLDS, Provenance, describe_comparison, promotion_gates
from training.evaluation.verification import Figures, PromotionLimits

REAL, SAMPLE = Provenance(False, "a" * 64, "t" * 64), Provenance(True, "b" * 64, "t" * 64)
LIMITS = PromotionLimits(
    parity=1e-5,
    lowest_auc=0.6,
    brier=0.2,
    expected_calibration_error=0.05,
    flipped_share=0.01,
    approval_gap=0.2,
    microseconds_1=100,
    microseconds_256=1_000,
    reasons_reach=0.9,
    auc_tolerance=0.01,
    brier_tolerance=0.002,
    calibration_error_tolerance=0.01,
    approval_gap_tolerance=0.02,
)


def figures(**changed: Any) -> Figures:
    known = {
        "auc": 0.8,
        "brier": 0.1,
        "expected_calibration_error": 0.01,
        "approval_rate": 0.7,
        "groups": [],
        "approval_gaps": {"SEX": 0.05},
        "impact_ratios": {},
    }
    return Figures.model_validate(known | changed)


def judged(new: Figures, candidate: Provenance = REAL, champion: Provenance | None = REAL) -> list[str]:
    old = figures() if champion else None
    return failed(promotion_gates(HOLDS, {}, new, candidate, old, champion, LIMITS))


def test_a_candidate_as_good_as_the_champion_is_promoted() -> None:
    assert judged(figures()) == []


@pytest.mark.parametrize(
    ("changed", "gate"),
    [
        ({"auc": 0.7919}, "auc"),
        ({"brier": 0.1021}, "brier"),
        ({"expected_calibration_error": 0.0201}, "expected_calibration_error"),
        ({"approval_gaps": {"SEX": 0.0701}}, "approval_gap_SEX"),
    ],
)
def test_a_figure_beyond_its_tolerance_fails_its_gate(changed: dict[str, Any], gate: str) -> None:
    assert judged(figures(**changed)) == [gate]
    assert judged(figures(**changed), champion=None) == []


def test_sample_data_never_win_against_real_data() -> None:
    assert judged(figures(auc=0.99), candidate=SAMPLE) == ["data"]


def test_a_champion_of_sample_data_is_no_standard_for_real_data() -> None:
    assert judged(figures(auc=0.61), champion=SAMPLE) == []
    assert "no standard for a model of real data" in describe_comparison(REAL, SAMPLE)


def test_a_candidate_that_was_not_verified_is_refused_without_a_champion_too() -> None:
    gates = promotion_gates("fails parity", {}, figures(), REAL, None, None, LIMITS)
    assert failed(gates) == ["verification"]
    assert gates["verification"].what == "checks of scorebox verify: fails parity"


def test_the_comparison_tells_whether_the_champion_knew_the_rows() -> None:
    assert describe_comparison(REAL, None) == "no champion to compare with"
    assert "both have the same split" in describe_comparison(REAL, REAL)
    assert "same data, another split" in describe_comparison(REAL, Provenance(False, "a" * 64, "u" * 64))
    assert "other data (cccccccccccc)" in describe_comparison(REAL, Provenance(False, "c" * 64, "u" * 64))
