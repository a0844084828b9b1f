from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from tests.training.models import CARD, fitted
from training.evaluation.fairness import compare_groups
from training.families.registry import FAMILIES
from training.selection import CandidateResult, Fold, choose_winner, out_of_fold, search
from training.split import folds
from training.workers import workers

LIMITS: dict[str, float] = {
    "auc_tolerance": 0.01,
    "calibration_error_limit": 0.02,
    "reasons_microseconds_limit": 500,
}


def candidate(name: str, **changes: Any) -> CandidateResult:
    fields: dict[str, Any] = {
        "name": name,
        "family": "network",
        "features": "stepped",
        "inputs": 3,
        "parameters": {},
        "fold_auc": [],
        "auc": 0.78,
        "auc_deviation": 0.005,
        "brier": 0.134,
        "expected_calibration_error": 0.01,
        "calibration": "platt",
        "brier_by_calibration": {},
        "reasons_microseconds": 100,
    }
    return CandidateResult(**{**fields, **changes})


def test_the_highest_auc_wins_among_those_that_hold_every_gate() -> None:
    slow = candidate("slow", auc=0.788, reasons_microseconds=2_000)
    bent = candidate("bent", auc=0.787, expected_calibration_error=0.03)
    good = candidate("good", auc=0.785)
    weak = candidate("weak", auc=0.783)
    floor = candidate("floor", auc=0.770)
    assert choose_winner([floor, weak, slow, good, bent], **LIMITS) is good
    failed = {
        result.name: [gate.gate for gate in result.gates if not gate.holds]
        for result in (slow, bent, good, weak, floor)
    }
    assert failed == {
        "slow": ["reasons_microseconds"],
        "bent": ["expected_calibration_error"],
        "good": [],
        "weak": [],
        "floor": ["auc"],
    }


def test_nobody_wins_if_nobody_holds_every_gate() -> None:
    assert choose_winner([candidate("one", reasons_microseconds=501)], **LIMITS) is None


def test_a_gate_holds_at_its_limit() -> None:
    assert choose_winner([candidate("edge", reasons_microseconds=500, expected_calibration_error=0.02)], **LIMITS)


def test_each_row_is_scored_by_the_model_that_did_not_see_it() -> None:
    model = fitted("logistic")
    parts = [Fold(*rows, model.features) for rows in folds(np.arange(len(model.labels)), model.labels, 3, seed=1)]
    ticks: list[None] = []
    with workers() as in_processes:
        log_odds = out_of_fold(
            in_processes,
            FAMILIES["logistic"],
            model.labels,
            parts,
            {"C": 0.1},
            1,
            tick=lambda: ticks.append(None),
        )
    assert len(ticks) == 3
    fitted_rows, held_out = parts[0].fitted, parts[0].held_out
    assert not set(fitted_rows) & set(held_out)
    alone = FAMILIES["logistic"].fit(model.features[fitted_rows], model.labels[fitted_rows], {"C": 0.1}, 1)
    assert log_odds[held_out] == pytest.approx(alone.log_odds(model.features[held_out]))


def test_the_search_keeps_what_was_fixed_and_repeats_for_a_seed() -> None:
    model = fitted("boosting")
    parts = [Fold(*rows, model.features) for rows in folds(np.arange(len(model.labels)), model.labels, 2, seed=1)]
    choices: dict[str, list[Any]] = {"num_leaves": [3, 5, 9], "learning_rate": [0.02, 0.2]}

    def found() -> tuple[dict[str, Any], NDArray[np.float64], int]:
        ticks: list[None] = []
        with workers() as in_processes:
            parameters, log_odds = search(
                in_processes,
                FAMILIES["boosting"],
                model.labels,
                parts,
                {"n_estimators": 15},
                choices,
                3,
                seed=1,
                tick=lambda: ticks.append(None),
            )
            again = out_of_fold(
                in_processes,
                FAMILIES["boosting"],
                model.labels,
                parts,
                parameters,
                1,
                tick=lambda: None,
            )
        assert log_odds.tobytes() == again.tobytes(), "those of the draw that was chosen"
        return parameters, log_odds, len(ticks)

    parameters, log_odds, fits = found()
    again, same_log_odds, _ = found()
    assert parameters == again
    assert log_odds.tobytes() == same_log_odds.tobytes()
    assert fits == 3 * len(parts)
    assert parameters["n_estimators"] == 15
    assert parameters["num_leaves"] in choices["num_leaves"]


def test_approval_rates_are_counted_by_group() -> None:
    test = pd.DataFrame({"SEX": [1] * 80 + [2] * 120, "MARRIAGE": [1] * 190 + [3] * 10, "AGE": list(range(21, 71)) * 4})
    scores = np.repeat([0.9, 0.1, 0.9, 0.1], [20, 60, 60, 60]).astype(np.float32)
    labels = np.tile([0, 1], 100)
    outcome = compare_groups("network", False, 20, CARD, test, labels, scores)
    rates = {(group.column, group.group): group.approval_rate for group in outcome.groups}
    assert (rates["SEX", "1"], rates["SEX", "2"]) == (0.75, 0.5)
    assert outcome.approval_rate == 0.6
    assert ("MARRIAGE", "3") not in rates, "a rate from ten rows says nothing"
    assert sum(group.rows for group in outcome.groups if group.column == "AGE") == 200
