"""The bar, and the page that says whether it is cleared."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from loadtests.bar import BarResult, verdicts
from loadtests.bench_report import markdown, write_report
from loadtests.compare import CONNECTIONS
from loadtests.figures import Load
from tests.loadtests.results import KEYS, SIDES, load, results

(
    CPU_64, EVERY_REASON, JOURNAL_OFF, CPU_8, P99_8, P99_64, JOURNAL, LONE_MS, LONE, NETWORK_REASONS, TREE_REASONS,
    FAILED,
) = range(12)  # fmt: skip


def lines(loads: list[Load], lone_after_ms: float = 0.5, **reasons: float) -> list[BarResult]:
    """The bar for these loads, the rest of which clear it."""
    given = {(one.contender, one.connections) for one in loads}
    others = [
        load(key, connections, cpu_us=100 if key == "theirs" else 50)
        for key in KEYS
        for connections in CONNECTIONS
        if (key, connections) not in given
    ]
    return verdicts(results([*loads, *others], lone_after_ms, **reasons), SIDES)


def short(found: list[BarResult]) -> list[int]:
    return [place for place, verdict in enumerate(found) if not verdict.holds]


def test_everything_may_hold() -> None:
    assert short(lines([])) == []


@pytest.mark.parametrize(
    ("one", "line"),
    [
        (load("ours", 64, cpu_us=80.1), CPU_64),
        (load("every", 64, cpu_us=100.1), EVERY_REASON),
        (load("off", 64, cpu_us=70.1), JOURNAL_OFF),
        (load("ours", 8, cpu_us=120.1), CPU_8),
        (load("ours", 8, cpu_us=50, p99_ms=6.1), P99_8),
        (load("ours", 64, cpu_us=50, p99_ms=6.1), P99_64),
        (load("ours", 64, cpu_us=50, rate=8_499), JOURNAL),
        (load("ours", 1, failed=1), FAILED),
        (load("every", 64, cpu_us=50, failed=1), FAILED),
        (load("off", 8, failed=1), FAILED),
        (load("ours", 64, cpu_us=50, p99_ms=float("nan")), P99_64),
    ],
)
def test_each_load_falls_short_on_its_own(one: Load, line: int) -> None:
    assert short(lines([one])) == [line]


def test_a_lone_request_may_be_long_and_longer_after_a_burst() -> None:
    assert short(lines([], lone_after_ms=0.61)) == [LONE]
    assert short(lines([], lone_after_ms=1.01)) == [LONE_MS, LONE]


def test_reasons_may_cost_too_much() -> None:
    assert short(lines([], network_us=150.1)) == [NETWORK_REASONS]
    assert short(lines([], forest_us=2_000.1)) == [TREE_REASONS]


def test_a_peer_s_failures_are_its_own() -> None:
    assert short(lines([load("theirs", 1, failed=9)])) == []


def test_a_figure_on_the_limit_holds() -> None:
    loads = [
        load("ours", 64, cpu_us=80.0, p99_ms=6.0, rate=8_500),
        load("every", 64, cpu_us=100.0),
        load("off", 64, cpu_us=70.0),
        load("ours", 8, cpu_us=120.0, p99_ms=6.0),
    ]
    assert short(lines(loads, 0.6, network_us=150.0, forest_us=2_000.0)) == []


def test_the_median_round_counts_and_failures_add_up() -> None:
    rounds = [load("ours", 64, cpu_us=cpu, failed=failed) for cpu, failed in ((50, 0), (900, 2), (60, 1))]
    median = results([*rounds, load("theirs", 64)]).load("ours", 64)
    assert (median.cpu_us, median.failed, median.errors, median.answered) == (60, 3, {"status 503": 3}, 3000)


def test_the_page_tells_what_falls_short() -> None:
    found = results()
    page = markdown(found, verdicts(found, SIDES), "make bench")
    assert (
        "| CPU per request at 64 connections, Ours against Theirs | 1.00 | 0.8 | falls short | 100 and 100 µs |" in page
    )
    assert "| CPU per request at 8 connections, Ours against Theirs | 1.00 | 1.2 | holds | 100 and 100 µs |" in page
    assert "10 of 12 hold" in page
    assert "| Theirs | 0.50 | 20.00 | 40.00 |" in page
    assert "| Ours | arrow | 16,384 | 10.00 | 100,000 | 5.0 | 0 |" in page
    assert "| german_credit | forest | 6 | declines | 1,000 | 500 | 2,000 |" in page
    assert "Made by `make bench`" in page


def test_the_page_and_the_plot_are_written(tmp_path: Path) -> None:
    found = results()
    write_report(tmp_path / "docs", found, verdicts(found, SIDES), "make bench")
    assert (tmp_path / "docs" / "bench.md").read_text().startswith("# Side by side\n")
    with Image.open(tmp_path / "docs" / "bench.png") as image:
        assert image.width > 600
