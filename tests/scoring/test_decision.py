from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from inline_snapshot import snapshot

from scoring.decision import Decider, Decision, score_points
from scoring.scorecard import PointScale
from scoring.scorecards import load

CARD = load("card_default")
DECIDER = Decider(CARD, "card_default:1-fp32", "fp32", CARD.cutoff)
MADE = {"decision_id", "decided_at"}


def decide(pds: list[float]) -> list[Decision]:
    decisions = DECIDER.decide(np.array(pds, dtype=np.float32))
    return [decisions.row(index) for index in range(len(decisions))]


def test_a_decision_says_everything_that_was_decided() -> None:
    decisions = decide([0.03125, 0.75])
    assert [decision.model_dump(mode="json", exclude=MADE) for decision in decisions] == snapshot(
        [
            {
                "scorecard": "card_default",
                "model": "card_default:1-fp32",
                "variant": "fp32",
                "pd": 0.03125,
                "prediction": 0,
                "decision": "approve",
                "cutoff": 0.25,
                "points": 586,
                "band": "A",
            },
            {
                "scorecard": "card_default",
                "model": "card_default:1-fp32",
                "variant": "fp32",
                "pd": 0.75,
                "prediction": 1,
                "decision": "decline",
                "cutoff": 0.25,
                "points": 455,
                "band": "E",
            },
        ]
    )


def test_the_cutoff_itself_is_declined_and_just_below_is_approved() -> None:
    below = np.nextafter(np.float32(CARD.cutoff), np.float32(0))
    decisions = decide([below, CARD.cutoff])
    assert [decision.decision for decision in decisions] == ["approve", "decline"]


def test_a_band_starts_where_the_one_before_ends() -> None:
    below = np.nextafter(np.float32(0.25), np.float32(0))
    decisions = decide([0.0, 0.049, 0.0501, below, 0.41, 1.0])
    assert [decision.band for decision in decisions] == ["A", "A", "B", "D", "E", "E"]


def test_ids_are_unique_and_rise_with_time() -> None:
    ids = [decision.decision_id for decision in decide([0.5] * 1_000)]
    assert len(set(ids)) == 1_000
    assert ids == sorted(ids)


def test_points_are_the_base_at_the_base_odds_and_double_with_the_odds() -> None:
    scale = PointScale()
    odds = np.array([scale.base_odds, scale.base_odds * 2, scale.base_odds / 2])
    assert score_points(1 / (1 + odds), scale).tolist() == [600, 620, 580]


@given(st.floats(0, 1, width=32), st.floats(0, 1, width=32))
def test_points_never_rise_with_the_pd(one: float, other: float) -> None:
    low, high = sorted((one, other))
    points = score_points(np.array([low, high], dtype=np.float32), PointScale())
    assert points[0] >= points[1]


def test_points_of_certainty_are_finite() -> None:
    assert score_points(np.array([0.0, 1.0], dtype=np.float32), PointScale()) == pytest.approx([886, 88], abs=1)
