"""The guard trips on what breaks a bound, by that bound, and not on chance."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from scoring.challenger.challenge import Bounds
from scoring.challenger.guard import LEAST, MEASURES, Breach, Guard

CUTOFF = 0.25
WIDE = {"error_share": 1.0, "latency_ratio": 1e9, "score_psi": 1e9, "approval_shift": 1.0}


def applicants(generator: np.random.Generator, rows: int) -> NDArray[np.float64]:
    """PDs like those of a scorecard: 22 % on average, a third at or above the cut-off."""
    return generator.beta(1.2, 4.2, rows)


def play(
    guard: Guard,
    champion: NDArray[np.float64],
    challenger: NDArray[np.float64],
    generator: np.random.Generator,
    *,
    share: float = 0.1,
    slower: float = 1.0,
    failing: float = 0.0,
    declines: bool = False,
) -> tuple[int, Breach] | None:
    """Sends applicants one by one; the request at which the guard trips, and why."""
    sides = generator.random(len(champion)) < share
    seconds = generator.lognormal(-6.5, 0.5, len(champion))
    broken = generator.random(len(champion)) < failing
    for number, theirs in enumerate(sides):
        if not theirs:
            pd = champion[number : number + 1]
            guard.champion_decided(pd, pd >= CUTOFF, seconds[number])
            continue
        if broken[number]:
            breach = guard.challenger_failed()
        else:
            pd = challenger[number : number + 1]
            declined = np.array([True]) if declines else pd >= CUTOFF
            breach = guard.challenger_decided(pd, declined, slower * seconds[number])
        if breach is not None:
            return number + 1, breach
    return None


def bounds(measure: str) -> Bounds:
    """The default of one bound, the others out of reach."""
    return Bounds(**{**WIDE, measure: Bounds.model_fields[measure].default})


@pytest.mark.parametrize("seed", range(4))
def test_a_challenger_equal_to_the_champion_keeps_its_share(seed: int) -> None:
    generator = np.random.default_rng(seed)
    pd = applicants(generator, 10_000)
    assert play(Guard(Bounds()), pd, pd, generator, share=0.3) is None


@pytest.mark.slow
@pytest.mark.parametrize("share", [0.02, 0.1, 0.5])
def test_chance_does_not_trip_it_in_three_hundred_first_thousands(share: float) -> None:
    """The first looks are at the fewest decisions."""
    tripped = 0
    for seed in range(300):
        generator = np.random.default_rng(seed)
        pd = applicants(generator, 1_000)
        tripped += play(Guard(Bounds()), pd, pd, generator, share=share) is not None
    assert tripped == 0


@pytest.mark.parametrize(
    ("measure", "how"),
    [
        ("error_share", {"failing": 0.2}),
        ("latency_ratio", {"slower": 30.0}),
        ("score_psi", {}),
        ("approval_shift", {"declines": True}),
    ],
)
def test_each_bound_trips_by_itself(measure: str, how: dict[str, float]) -> None:
    generator = np.random.default_rng(5)
    champion = applicants(generator, 3_000)
    # Another shape of PDs with the same approvals.
    challenger = np.where(champion < CUTOFF, champion * 0.2, champion) if measure == "score_psi" else champion
    for other in MEASURES:
        tripped = play(Guard(bounds(other)), champion, challenger, np.random.default_rng(6), **how)  # type: ignore[arg-type]
        if other == measure:
            assert tripped is not None
            assert tripped[1].measure == measure
            assert tripped[1].value > tripped[1].bound
            assert measure in str(tripped[1])
        else:
            assert tripped is None, other


@pytest.mark.parametrize("share", [0.05, 0.1, 0.5])
def test_one_that_declines_everybody_is_out_within_sixty_of_its_decisions(share: float) -> None:
    requests = []
    for seed in range(20):
        generator = np.random.default_rng(seed)
        champion = applicants(generator, 3_000)
        tripped = play(Guard(Bounds()), champion, np.full(3_000, 0.9), generator, share=share, declines=True)
        assert tripped is not None
        requests.append(tripped[0])
    assert np.quantile(requests, 0.95) * share < 60


def test_one_that_always_fails_is_out_at_its_twentieth_request() -> None:
    guard = Guard(Bounds())
    answers = [guard.challenger_failed() for _ in range(LEAST)]
    assert answers[:-1] == [None] * (LEAST - 1)
    assert answers[-1] is not None
    assert answers[-1].measure == "error_share"


def test_what_is_long_past_counts_no_more() -> None:
    generator = np.random.default_rng(1)
    guard = Guard(Bounds(window=200))
    bad = np.full(1, 0.9)
    for _ in range(LEAST - 1):
        guard.challenger_failed()
        guard.challenger_decided(bad, bad >= CUTOFF, 1.0)
    pd = applicants(generator, 2_000)
    for number in range(0, 2_000, 2):
        guard.champion_decided(pd[number : number + 1], pd[number : number + 1] >= CUTOFF, 0.001)
        breach = guard.challenger_decided(pd[number + 1 : number + 2], pd[number + 1 : number + 2] >= CUTOFF, 0.001)
        if number > 400:
            assert breach is None
    assert set(guard.measures()) == set(MEASURES)
    assert guard.measures()["error_share"] == 0.0


def test_a_batch_has_no_latency_of_its_own() -> None:
    guard = Guard(Bounds())
    pd = np.full(100, 0.1)
    guard.champion_decided(pd, pd >= CUTOFF, 0.001)
    guard.challenger_decided(pd, pd >= CUTOFF, 10.0)
    assert set(guard.measures()) == {"score_psi", "approval_shift"}
