"""Realised labels judge PDs: intervals, what PDs promise, and verdicts."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.stats import binom

from scoring.decision_rules import DecisionRules
from tests.pipelines.realised import CARD, draw_labels, draw_pds
from training.evaluation.intervals import jeffreys
from training.monitoring.performance import ALL_BANDS, Figures, by, figures, judge_performance, promised, worst

BANDS = [band.name for band in CARD.bands]
LIMITS: dict[str, Any] = {"auc_tolerance": 0.03, "brier_tolerance": 0.01, "least_matured": 200}


def decided(scores: NDArray[np.float32], labels: NDArray[np.int64], matured: NDArray[np.bool_] | None = None) -> Any:
    judged = DecisionRules(CARD, CARD.cutoff).apply(scores)
    return pd.DataFrame(
        {
            "pd": scores.astype(np.float64),
            "declined": judged.declined,
            "band": [BANDS[band] for band in judged.bands],
            "month": "2026-01",
            "model": "card_default:1-fp32",
            "matured": np.ones(len(scores), dtype=bool) if matured is None else matured,
            "defaulted": labels,
        }
    )


def measured(rows: pd.DataFrame) -> Figures:
    return figures(rows, BANDS, resamples=20, seed=1)


def judged(rows: pd.DataFrame, tested: dict[str, float] | None = None) -> Any:
    return judge_performance("card_default:1-fp32", "2026-01", measured(rows), tested, **LIMITS)


@given(st.integers(1, 10_000).flatmap(lambda rows: st.tuples(st.integers(0, rows), st.just(rows))))
def test_jeffreys_interval_holds_the_share_and_mirrors(counts: tuple[int, int]) -> None:
    defaults, rows = counts
    low, high = jeffreys(defaults, rows, 0.95)
    assert 0 <= low <= defaults / rows <= high <= 1
    assert jeffreys(rows - defaults, rows, 0.95) == pytest.approx((1 - high, 1 - low), abs=1e-12)


def test_jeffreys_interval_covers_what_it_promises() -> None:
    rows = 500
    intervals = np.array([jeffreys(defaults, rows, 0.95) for defaults in range(rows + 1)])
    for share in (0.02, 0.1, 0.25, 0.5):
        covered = (intervals[:, 0] <= share) & (share <= intervals[:, 1])
        assert binom.pmf(np.arange(rows + 1), rows, share)[covered].sum() == pytest.approx(0.95, abs=0.025)


@given(st.lists(st.sampled_from([0.05, 0.1, 0.2, 0.2001, 0.5, 0.9]), min_size=2, max_size=12))
def test_the_promised_auc_is_that_of_every_pair(scores: list[float]) -> None:
    pairs = [
        (good * (1 - other), 1.0 if good > other else 0.5 if good == other else 0.0)
        for good, other in itertools.product(scores, scores)
    ]
    total = sum(weight for weight, _ in pairs)
    assert promised(np.array(scores))["auc"] == pytest.approx(sum(weight * win for weight, win in pairs) / total)


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=5, deadline=None)
def test_labels_that_are_drawn_from_the_pds_keep_what_these_promise(seed: int) -> None:
    scores = draw_pds(3_000, seed)
    found = measured(decided(scores, draw_labels(scores, seed + 1)))
    # Five standard errors, so that not one draw in a million lies beyond.
    assert found.metrics["auc"]["value"] == pytest.approx(found.promised["auc"], abs=0.07)
    assert found.metrics["brier"]["value"] == pytest.approx(found.promised["brier"], abs=0.03)
    assert [band.band for band in found.calibration] == [ALL_BANDS, *BANDS]
    for band in found.calibration:
        deviation = np.sqrt(band.expected * (1 - band.expected) / band.matured)
        assert band.observed == pytest.approx(band.expected, abs=5 * deviation + 2 / band.matured)


def test_a_model_that_keeps_its_promise_is_hardly_ever_called_decayed() -> None:
    decays = [
        judged(decided(scores, draw_labels(scores, seed))).verdict == "decay"
        for seed in range(12)
        for scores in [draw_pds(400, seed + 1_000)]
    ]
    # One in twenty by the bands, and some by AUC and Brier score; without a common level of the bands, half of them.
    assert sum(decays) <= 2


def test_outcomes_of_approvals_only_are_no_decay_though_the_auc_is_lower() -> None:
    scores = draw_pds(8_000)
    rows = decided(scores, draw_labels(scores))
    tested = {name: item["value"] for name, item in measured(rows).metrics.items()}
    approvals = judged(rows.assign(matured=~rows["declined"]), tested)
    assert approvals.figures.approved_only
    assert approvals.figures.metrics["auc"]["high"] < tested["auc"] - LIMITS["auc_tolerance"]
    assert approvals.verdict == "ok"


def test_reversed_labels_are_decay_of_the_order() -> None:
    scores = draw_pds(4_000)
    places = scores.argsort().argsort()
    rows = decided(scores, draw_labels(np.sort(scores)[::-1][places].copy()))
    found = judged(rows)
    assert found.verdict == "decay"
    assert found.flags[0].startswith("AUC 0.2")


def test_doubled_rates_are_decay_of_the_calibration_and_not_of_the_order() -> None:
    scores = draw_pds(4_000)
    found = judged(decided(scores, draw_labels(np.minimum(2 * scores, 1))))
    assert found.verdict == "decay"
    assert not [flag for flag in found.flags if flag.startswith("AUC")]
    assert [flag for flag in found.flags if flag.startswith("all bands: ")]


def test_a_model_may_be_off_by_what_it_was_off_on_its_test_rows() -> None:
    scores = draw_pds(10_000)
    rows = decided(scores, draw_labels(scores + np.float32(0.02)))
    assert judged(rows, {"brier": 0.145}).verdict == "decay"
    assert judged(rows, {"brier": 0.145, "expected_calibration_error": 0.03}).verdict == "ok"


def test_the_test_figures_of_the_model_count_where_they_promise_less() -> None:
    scores = draw_pds(4_000)
    shuffled = np.random.default_rng(5).permutation(draw_labels(scores))
    rows = decided(scores, shuffled)
    with_record = judged(rows, {"auc": 0.5, "brier": 0.3, "expected_calibration_error": 1.0})
    assert with_record.verdict == "ok"
    assert judged(rows).verdict == "decay"


def test_too_few_outcomes_say_nothing() -> None:
    scores = draw_pds(1_000)
    labels = draw_labels(scores)
    few = decided(scores, 1 - labels, np.arange(1_000) < 199)
    assert judged(few).verdict == "too few"
    assert judged(few).flags == []
    assert judged(decided(scores, 1 - labels, np.arange(1_000) < 200)).verdict == "decay"


def test_outcomes_of_one_kind_have_no_metrics_but_a_calibration() -> None:
    scores = draw_pds(1_000)
    found = judged(decided(scores, np.zeros(1_000, dtype=np.int64)))
    assert found.figures.metrics == {}
    assert found.verdict == "decay"
    assert found.figures.calibration[0].low == 0


def test_decisions_without_outcomes_have_figures_too() -> None:
    scores = draw_pds(100)
    found = measured(decided(scores, np.zeros(100, dtype=np.int64), np.zeros(100, dtype=bool)))
    assert (found.decisions, found.matured, found.metrics, found.calibration) == (100, 0, {}, [])
    assert found.approval_rate == pytest.approx(float((scores < CARD.cutoff).mean()))


def test_figures_are_by_model_and_month_and_the_whole_is_measured_once() -> None:
    scores = draw_pds(600)
    rows = decided(scores, draw_labels(scores)).assign(month=np.repeat(["2026-02", "2026-01", "2025-12"], 200))
    whole = measured(rows)
    months = by("month", rows, measured, whole)
    assert list(months) == ["2025-12", "2026-01", "2026-02"]
    assert sum(part.defaults for part in months.values()) == whole.defaults
    assert by("model", rows, measured, whole)["card_default:1-fp32"] is whole


def test_one_decayed_model_is_decay_and_none_that_can_be_judged_says_nothing() -> None:
    scores = draw_pds(1_000)
    labels = draw_labels(scores)
    good, bad = judged(decided(scores, labels)), judged(decided(scores, 1 - labels))
    few = judged(decided(scores[:50], labels[:50]))
    assert [worst([good, bad, few]), worst([few, good]), worst([few]), worst([])] == [
        "decay",
        "ok",
        "too few",
        "too few",
    ]
