"""Two models on the same applications, in numbers that can be checked by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from inline_snapshot import snapshot
from numpy.typing import NDArray

from scoring.expected import DataError
from training.monitoring.comparison import Comparison, compare_models, verdict

CUTOFF = 0.25


def compared(
    champion: NDArray[np.float64], challenger: NDArray[np.float64], labels: NDArray[np.float64] | None = None
) -> Comparison:
    return compare_models(
        champion,
        challenger,
        {"champion": champion >= CUTOFF, "challenger": challenger >= CUTOFF},
        np.full(len(champion), np.nan) if labels is None else labels,
        resamples=200,
        seed=1,
    )


def test_four_applications_by_hand() -> None:
    found = compared(np.array([0.125, 0.125, 0.25, 0.5]), np.array([0.375, 0.125, 0.125, 0.75]))
    assert found.model_dump(exclude={"psi", "rank_correlation", "pd_shift"}) == snapshot(
        {
            "applications": 4,
            "approval_rate": {"champion": 0.5, "challenger": 0.5},
            "mean_pd": {"champion": 0.25, "challenger": 0.34375},
            "flips": {"to_decline": 1, "to_approve": 1, "share": 0.5},
            "matured": None,
        }
    )
    assert found.pd_shift["mean"] == pytest.approx(0.09375)
    assert found.pd_shift["0.5"] == pytest.approx(0.125)
    assert verdict(found).endswith("too few outcomes to say which is better")


@given(st.lists(st.floats(0, 1), min_size=1, max_size=50))
def test_a_model_differs_from_itself_in_nothing(pds: list[float]) -> None:
    found = compared(np.array(pds), np.array(pds))
    assert (found.psi, found.flips.share) == (0.0, 0.0)
    assert set(found.pd_shift.values()) == {0.0}
    assert found.approval_rate["champion"] == found.approval_rate["challenger"]


@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=1, max_size=50))
def test_turned_round_everything_has_the_other_sign(pairs: list[tuple[float, float]]) -> None:
    first, second = np.array(pairs).T
    there, back = compared(first, second), compared(second, first)
    assert there.pd_shift["mean"] == pytest.approx(-back.pd_shift["mean"], abs=1e-12)
    assert (there.flips.to_decline, there.flips.to_approve) == (back.flips.to_approve, back.flips.to_decline)


def labelled(rows: int = 2_000) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """True PDs, and labels drawn from them; every fifth label is not known yet."""
    generator = np.random.default_rng(2)
    pd = generator.beta(1.2, 4.2, rows)
    labels = (generator.random(rows) < pd).astype(np.float64)
    labels[::5] = np.nan
    return pd, labels


def test_labels_say_which_is_better() -> None:
    pd, labels = labelled()
    noise = np.random.default_rng(3).random(len(pd))
    worse = 0.5 * pd + 0.5 * noise
    better = compared(worse, pd, labels)
    assert better.matured is not None
    assert better.matured.applications == 1_600
    assert better.matured.difference["auc"]["low"] > 0 > better.matured.difference["brier"]["high"]
    assert better.matured.difference["auc"]["value"] == pytest.approx(
        better.matured.challenger["auc"] - better.matured.champion["auc"]
    )
    assert verdict(better).endswith("the challenger is better on 1,600 outcomes")
    assert verdict(compared(pd, worse, labels)).endswith("the challenger is worse on 1,600 outcomes")
    assert verdict(compared(pd, pd, labels)).endswith("1,600 outcomes do not show which is better")


def test_the_intervals_are_of_the_same_applications() -> None:
    """Each model's own AUC is uncertain by some hundredths; that of a model from almost itself is not."""
    pd, labels = labelled()
    found = compared(pd, np.clip(pd + np.random.default_rng(4).normal(0, 0.002, len(pd)), 0, 1), labels)
    assert found.matured is not None
    difference = found.matured.difference["auc"]
    assert difference["high"] - difference["low"] < 0.004


def test_no_applications_are_an_error() -> None:
    with pytest.raises(DataError, match="no applications that both models have scored"):
        compared(np.array([]), np.array([]))
