"""Targets as data: reading them, and holding a run against them."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import pytest

from loadtests.curves import Scenario, Shape
from loadtests.targets import Finding, Seen, Target, Targets, TargetsError, evaluate, read_stats
from scoring import scorecards

TARGET = Target(p50_ms=2, p95_ms=5, p99_ms=10, failure_share=0.01, minimum_rate=100)
ON_THE_LIMIT = Seen(requests=100, failures=1, p50_ms=2, p95_ms=5, p99_ms=10, rate=100)


def missed(seen: Seen, target: Target = TARGET) -> list[str]:
    return [finding.name for finding in evaluate(target, seen) if not finding.holds]


def test_a_figure_on_the_limit_holds() -> None:
    assert missed(ON_THE_LIMIT) == []


@pytest.mark.parametrize(
    ("change", "name"),
    [
        ({"p50_ms": 2.01}, "p50 ms"),
        ({"p95_ms": 5.01}, "p95 ms"),
        ({"p99_ms": math.inf}, "p99 ms"),
        ({"failures": 2}, "failure share"),
        ({"rate": 99.9}, "requests/s"),
    ],
)
def test_each_target_is_held_on_its_own(change: dict[str, float], name: str) -> None:
    assert missed(replace(ON_THE_LIMIT, **change)) == [name]  # type: ignore[arg-type]  # integers among floats


def test_a_run_without_requests_has_failed() -> None:
    nothing = Seen(requests=0, failures=0, p50_ms=math.inf, p95_ms=math.inf, p99_ms=math.inf, rate=0)
    assert missed(nothing) == ["p50 ms", "p95 ms", "p99 ms", "failure share", "requests/s"]


def test_memory_counts_where_it_was_watched() -> None:
    target = TARGET.model_copy(update={"memory_growth_mib": 8.0})
    assert missed(replace(ON_THE_LIMIT, memory_growth_mib=8.0), target) == []
    assert missed(replace(ON_THE_LIMIT, memory_growth_mib=8.1), target) == ["memory growth MiB"]
    assert Finding("memory growth MiB", 8.0, None) in evaluate(target, ON_THE_LIMIT)
    assert missed(ON_THE_LIMIT, target) == []


def test_every_scenario_and_shape_has_targets() -> None:
    targets = Targets.read()
    for scenario in Scenario:
        for shape in Shape:
            target = targets.scenario(scenario, "card_default").target(shape)
            assert target.p50_ms <= target.p95_ms <= target.p99_ms
    assert all(targets.scenario(scenario, "card_default").target(Shape.SOAK).memory_growth_mib for scenario in Scenario)


def test_no_rate_is_asked_for_that_the_users_do_not_make() -> None:
    targets = Targets.read()
    for scenario in Scenario:
        load = targets.scenario(scenario, "card_default")
        for shape in Shape:
            assert load.target(shape).minimum_rate < load.users * load.requests_per_user


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "targets.toml"
    path.write_text(
        "[single]\nusers = 1\nrequests_per_user = 1\n"
        "[single.ramp]\np50_ms = 1\np95_ms = 2\np99_ms = 3\nfailure_share = 0\nminimum_rate = 1\n"
    )
    return path


def test_a_missing_scenario_or_shape_is_named(file: Path) -> None:
    targets = Targets.read(file)
    with pytest.raises(TargetsError, match="scenario batch"):
        targets.scenario(Scenario.BATCH, "card_default")
    with pytest.raises(TargetsError, match="shape soak"):
        targets.scenario(Scenario.SINGLE, "card_default").target(Shape.SOAK)


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("p99_ms = 3", "p99 = 3", "single.ramp.p99"),
        ("p50_ms = 1", "p50_ms = -1", "single.ramp.p50_ms"),
        ("failure_share = 0", "failure_share = 2", "single.ramp.failure_share"),
        ("[single]", "[single", "line 1"),
        ("[single]", "[unheard]\n[single]", "unheard"),
    ],
)
def test_a_broken_file_is_refused(file: Path, old: str, new: str, complaint: str) -> None:
    file.write_text(file.read_text().replace(old, new, 1))
    with pytest.raises(TargetsError, match=complaint):
        Targets.read(file)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(TargetsError, match="there is no file"):
        Targets.read(tmp_path / "none.toml")


def test_stats_are_those_of_all_requests(tmp_path: Path) -> None:
    path = tmp_path / "locust_stats.csv"
    path.write_text(
        "Type,Name,Request Count,Failure Count,Requests/s,50%,95%,99%\n"
        "POST,/predict,90,1,9.0,1,2,3\n"
        ",Aggregated,100,2,10.5,4,5,60\n"
    )
    assert read_stats(path, 1.5) == Seen(100, 2, 4, 5, 60, 10.5, 1.5)
    path.write_text(path.read_text().replace("100,2,10.5,4,5,60", "0,0,0.0,N/A,N/A,N/A"))
    assert read_stats(path).p99_ms == math.inf


@pytest.mark.parametrize("content", [None, "", "a,b\n1,2\n", "Name,x\n/predict,1\n"])
def test_something_else_than_stats_is_refused(tmp_path: Path, content: str | None) -> None:
    path = tmp_path / "locust_stats.csv"
    if content is not None:
        path.write_text(content)
    with pytest.raises(TargetsError, match="not a result of Locust"):
        read_stats(path)


def test_another_scorecard_may_take_longer_and_nothing_else() -> None:
    targets = Targets.read()
    plain = targets.scenario(Scenario.BATCH, "card_default").target(Shape.RAMP)
    slower = targets.scenario(Scenario.BATCH, "home_credit").target(Shape.RAMP)
    factor = targets.latency_factor["home_credit"]
    assert (slower.p50_ms, slower.p99_ms) == (plain.p50_ms * factor, plain.p99_ms * factor)
    assert (slower.minimum_rate, slower.failure_share) == (plain.minimum_rate, plain.failure_share)
    assert targets.scenario(Scenario.BATCH, "a_fifth") == targets.scenario(Scenario.BATCH, "card_default")


def test_factors_are_of_scorecards_that_there_are() -> None:
    assert set(Targets.read().latency_factor) <= set(scorecards.names())
