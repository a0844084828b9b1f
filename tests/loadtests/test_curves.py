"""How the number of users changes over a run."""

from __future__ import annotations

import pytest

from loadtests.curves import Shape, users_at

SECONDS, PEAK = 100.0, 40


def users(shape: Shape) -> list[int | None]:
    return [users_at(shape, float(second), SECONDS, PEAK) for second in range(101)]


def test_a_ramp_rises_to_the_peak_and_stays() -> None:
    counts = users(Shape.RAMP)[:-1]
    assert counts[0] == 1
    assert counts == sorted(counts, key=lambda count: count or 0)
    assert counts[50:] == [PEAK] * 50


def test_a_spike_is_sudden_and_passes() -> None:
    counts = users(Shape.SPIKE)[:-1]
    assert counts[:35] == [10] * 35
    assert counts[35:65] == [PEAK] * 30
    assert counts[65:] == [10] * 35


def test_a_soak_is_even() -> None:
    assert users(Shape.SOAK)[:-1] == [20] * 100


@pytest.mark.parametrize("shape", Shape)
def test_a_run_ends_and_always_has_a_user(shape: Shape) -> None:
    assert users(shape)[-1] is None
    assert users_at(shape, 0.0, SECONDS, 1) == 1
