from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from inline_snapshot import snapshot

from scoring.decider import Decider
from scoring.decision import Decision
from scoring.decision_rules import DecisionRules, score_points
from scoring.frames import Frame
from scoring.graph import Inputs
from scoring.policy import CutoffPolicy
from scoring.scorecard import PointScale
from tests.serving.toy import COLUMNS, SCORECARD, stored

DECIDER = Decider.by_policy(SCORECARD, stored(), CutoffPolicy.of(SCORECARD))
FRAME = Frame(SCORECARD, COLUMNS)
LATE = {name: 2 for name in COLUMNS if name.startswith("PAY_") and "AMT" not in name}
MADE = {"decision_id", "decided_at"}


def inputs(*changes: dict[str, int]) -> Inputs:
    applications = [SCORECARD.application.model_validate({**SCORECARD.example, **change}) for change in changes]
    return FRAME.inputs(applications)


def decide(rows: Inputs, explained: bool = False) -> list[Decision]:
    decisions = DECIDER.decide(rows, np.full(len(rows), explained))
    return [decisions.row(index) for index in range(len(decisions))]


def test_a_decision_says_everything_that_was_decided() -> None:
    decisions = decide(inputs({"PAY_2": -1, "PAY_6": -1}, LATE))
    assert [decision.model_dump(mode="json", exclude=MADE) for decision in decisions] == snapshot(
        [
            {
                "scorecard": "card_default",
                "model": "card_default:1.0.0-fp32",
                "variant": "fp32",
                "pd": 0.08029896020889282,
                "prediction": 0,
                "decision": "approve",
                "policy": "card_default-2abaf65f6b2d",
                "cutoff": 0.25,
                "points": 557,
                "band": "B",
                "reasons": [],
            },
            {
                "scorecard": "card_default",
                "model": "card_default:1.0.0-fp32",
                "variant": "fp32",
                "pd": 0.9723933935165405,
                "prediction": 1,
                "decision": "decline",
                "policy": "card_default-2abaf65f6b2d",
                "cutoff": 0.25,
                "points": 384,
                "band": "E",
                "reasons": [
                    {
                        "code": "EARLIER_PAYMENT_DELAYS",
                        "statement": "LATE",
                        "sentence": "A payment was late in at least one of the months three to six months ago.",
                        "contribution": 3.1999998092651367,
                    },
                    {
                        "code": "RECENT_PAYMENT_DELAY",
                        "statement": "LATE",
                        "sentence": "A payment was late in at least one of the last two months.",
                        "contribution": 1.5999999046325684,
                    },
                ],
            },
        ]
    )


def test_the_contributions_of_every_group_come_where_they_are_asked_for_and_add_up_to_the_log_odds() -> None:
    rows = inputs({"PAY_2": -1, "PAY_6": -1}, LATE)
    decisions = DECIDER.decide(rows, np.ones(2, dtype=bool))
    for index, row in enumerate(decisions.pd.tolist()):
        members = decisions.members(index, every_reason=True)
        assert list(members["contributions"]) == [group.code for group in SCORECARD.reasons]
        beyond = np.log(row / (1 - row)) - np.log(DECIDER.reference.pd / (1 - DECIDER.reference.pd))
        assert sum(members["contributions"].values()) == pytest.approx(beyond, abs=1e-5)
        assert "contributions" not in decisions.members(index)


def test_an_approval_has_no_reasons_and_costs_no_explanation() -> None:
    decisions = DECIDER.decide(inputs({"PAY_2": -1, "PAY_6": -1}), np.zeros(1, dtype=bool))
    assert (decisions.reasons, decisions.contributions) == ([[]], [None])


def test_the_cutoff_itself_is_declined_and_just_below_is_approved() -> None:
    below = np.nextafter(np.float32(SCORECARD.cutoff), np.float32(0))
    decided = DecisionRules(SCORECARD, SCORECARD.cutoff).apply(np.array([below, SCORECARD.cutoff], dtype=np.float32))
    assert decided.declined.tolist() == [False, True]


def test_a_band_starts_where_the_one_before_ends() -> None:
    below = np.nextafter(np.float32(0.25), np.float32(0))
    rules = DecisionRules(SCORECARD, SCORECARD.cutoff)
    decided = rules.apply(np.array([0.0, 0.049, 0.0501, below, 0.41, 1.0], dtype=np.float32))
    assert [rules.bands[band] for band in decided.bands] == ["A", "A", "B", "D", "E", "E"]


def test_ids_are_unique_and_rise_with_time() -> None:
    ids = [decision.decision_id for decision in decide(inputs(LATE).resized(1_000))]
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
