"""The guard trips on what breaks a bound, by that bound, and not on chance."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from scoring.challenger.challenge import Bounds
from scoring.challenger.guard import LEAST, MEASURES, Breach, Guard, Names, names

CUTOFF = 0.25
WIDE = {"error_share": 1.0, "latency_ratio": 1e9, "score_psi": 1e9, "approval_shift": 1.0}


def applicants(generator: np.random.Generator, rows: int) -> NDArray[np.float64]:
    """PDs like those of a scorecard: 22 % on average, a third at or above the cut-off."""
    return generator.beta(1.2, 4.2, rows)


def about(*numbers: int) -> list[Names]:
    """As many applicants, each with an application of their own."""
    return [names(b"applicant %d" % number, b"application %d" % number) for number in numbers]


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
            guard.champion_decided(pd, pd >= CUTOFF, seconds[number], about(number))
            continue
        if broken[number]:
            breach = guard.challenger_failed()
        else:
            pd = challenger[number : number + 1]
            declined = np.array([True]) if declines else pd >= CUTOFF
            breach = guard.challenger_decided(pd, declined, slower * seconds[number], about(number))
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
    for number in range(LEAST - 1):
        guard.challenger_failed()
        guard.challenger_decided(bad, bad >= CUTOFF, 1.0, about(-1 - number))
    pd = applicants(generator, 2_000)
    for number in range(0, 2_000, 2):
        ours, theirs = pd[number : number + 1], pd[number + 1 : number + 2]
        guard.champion_decided(ours, ours >= CUTOFF, 0.001, about(number))
        breach = guard.challenger_decided(theirs, theirs >= CUTOFF, 0.001, about(number + 1))
        if number > 400:
            assert breach is None
    assert set(guard.measures()) == set(MEASURES)
    assert guard.measures()["error_share"] == 0.0


def test_a_batch_has_no_latency_of_its_own() -> None:
    guard = Guard(Bounds())
    pd = np.full(100, 0.1)
    guard.champion_decided(pd, pd >= CUTOFF, 0.001, about(*range(100)))
    guard.challenger_decided(pd, pd >= CUTOFF, 10.0, about(*range(100, 200)))
    assert set(guard.measures()) == {"score_psi", "approval_shift"}


@pytest.mark.parametrize("of_one", ["application", "applicant"])
def test_one_application_or_applicant_again_and_again_is_no_distribution(of_one: str) -> None:
    """Another PD for the same applicant is what a challenger is for, and no shift of the population."""
    guard = Guard(Bounds())
    champion, challenger = np.array([0.1]), np.array([0.4])
    for number in range(306):
        texts = (b"the same", b"%d" % number)
        same = [names(*(texts if of_one == "applicant" else texts[::-1]))]
        guard.champion_decided(champion, champion >= CUTOFF, 0.001, same)
        assert guard.challenger_decided(challenger, challenger >= CUTOFF, 0.001, same) is None
    assert set(guard.measures()) == {"error_share", "latency_ratio"}


def test_what_is_repeated_takes_no_place_in_the_window_and_hides_no_breach() -> None:
    guard = Guard(Bounds(window=200))
    same, generator = names(b"monitor", b"monitor"), np.random.default_rng(3)
    pd = applicants(generator, 2_000)
    breach = None
    for number in range(0, 2_000, 2):
        ours = pd[number : number + 1]
        for repeated in [same] * 20:
            guard.champion_decided(np.array([0.1]), np.array([False]), 0.001, [repeated])
        guard.champion_decided(ours, ours >= CUTOFF, 0.001, about(number))
        breach = breach or guard.challenger_decided(np.array([0.9]), np.array([True]), 0.001, about(number + 1))
    assert breach is not None
    assert breach.measure == "score_psi"


def test_who_has_left_the_window_counts_again() -> None:
    guard = Guard(Bounds(window=200))
    pd = np.full(150, 0.1)
    guard.champion_decided(pd, pd >= CUTOFF, 0.001, about(*range(150)))
    guard.challenger_decided(pd, pd >= CUTOFF, 0.001, about(*range(150)))
    assert not guard.measures()["score_psi"]
    # The window has the last 200: all of the challenger's, and 50 of the champion's. Those of before come again.
    guard.champion_decided(pd + 0.8, pd < CUTOFF, 0.001, about(*range(150)))
    assert guard.measures()["score_psi"] > 0
