"""The bar, and the page that says whether it is cleared."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from loadtests.bar import Verdict, verdicts
from loadtests.bench_report import markdown, write_report
from loadtests.compare import CONNECTIONS
from loadtests.figures import Load
from tests.loadtests.results import load, results

CPU_64, CPU_8, P99_8, P99_64, LONE, FAILED = range(6)


def lines(ours: dict[int, Load], lone_after_ms: float = 0.5) -> list[Verdict]:
    loads = [ours.get(connections, load("ours", connections, cpu_us=50)) for connections in CONNECTIONS]
    loads += [load("theirs", connections) for connections in CONNECTIONS]
    return verdicts(results(loads, lone_after_ms), "ours", "theirs")


def short(found: list[Verdict]) -> list[int]:
    return [place for place, verdict in enumerate(found) if not verdict.holds]


def test_everything_may_hold() -> None:
    assert short(lines({})) == []


@pytest.mark.parametrize(
    ("ours", "lone_after_ms", "line"),
    [
        ({64: load("ours", 64, cpu_us=70.1)}, 0.5, CPU_64),
        ({8: load("ours", 8, cpu_us=120.1)}, 0.5, CPU_8),
        ({8: load("ours", 8, cpu_us=50, p99_ms=6.1)}, 0.5, P99_8),
        ({64: load("ours", 64, cpu_us=50, p99_ms=6.1)}, 0.5, P99_64),
        ({}, 0.61, LONE),
        ({1: load("ours", 1, failed=1)}, 0.5, FAILED),
        ({64: load("ours", 64, cpu_us=50, p99_ms=float("nan"))}, 0.5, P99_64),
    ],
)
def test_each_line_falls_short_on_its_own(ours: dict[int, Load], lone_after_ms: float, line: int) -> None:
    assert short(lines(ours, lone_after_ms)) == [line]


def test_a_figure_on_the_limit_holds() -> None:
    ours = {64: load("ours", 64, cpu_us=70.0, p99_ms=6.0), 8: load("ours", 8, cpu_us=120.0, p99_ms=6.0)}
    assert short(lines(ours, 0.6)) == []


def test_the_median_round_counts_and_failures_add_up() -> None:
    rounds = [load("ours", 64, cpu_us=cpu, failed=failed) for cpu, failed in ((50, 0), (900, 2), (60, 1))]
    median = results([*rounds, load("theirs", 64)]).load("ours", 64)
    assert (median.cpu_us, median.failed, median.errors, median.answered) == (60, 3, {"status 503": 3}, 3000)


def test_the_page_tells_what_falls_short() -> None:
    found = results()
    page = markdown(found, verdicts(found, "ours", "theirs"), "make bench")
    assert "| CPU per request at 64 connections against Theirs | 1.00 | 0.7 | falls short | 100 and 100 µs |" in page
    assert "| CPU per request at 8 connections against Theirs | 1.00 | 1.2 | holds | 100 and 100 µs |" in page
    assert "5 of 6 hold" in page
    assert "| Theirs | 0.50 | 20.00 | 40.00 |" in page
    assert "| Ours | arrow | 65,536 | 10.00 | 100,000 | 5.0 | 0 |" in page
    assert "Made by `make bench`" in page


def test_the_page_and_the_plot_are_written(tmp_path: Path) -> None:
    found = results()
    write_report(tmp_path / "docs", found, verdicts(found, "ours", "theirs"), "make bench")
    assert (tmp_path / "docs" / "bench.md").read_text().startswith("# Side by side\n")
    with Image.open(tmp_path / "docs" / "bench.png") as image:
        assert image.width > 600
