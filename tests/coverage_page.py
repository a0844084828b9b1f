"""Write docs/measured/coverage.md from the coverage data that `make coverage` has just measured."""

from __future__ import annotations

import json
import platform
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).parent.parent
PAGE = PROJECT / "docs" / "measured" / "coverage.md"
FEW = 0.7
"""A module with a smaller share of its statements run is named on the page."""


def main() -> None:
    """Read `.coverage` and write the page; the total goes to the console."""
    command = [sys.executable, "-m", "coverage", "json", "--quiet", "-o", "-"]
    told = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=True).stdout
    measured: dict[str, Any] = json.loads(told)
    PAGE.write_text("\n".join(page(measured)) + "\n")
    sys.stdout.write(f"{measured['totals']['percent_covered']:.1f} % of statements: {PAGE.relative_to(PROJECT)}\n")


def page(measured: dict[str, Any]) -> Iterator[str]:
    """Yield the lines of the page, from coverage's own report as JSON."""
    yield "# How much of the code the tests run"
    yield ""
    yield (
        f"Made by `make coverage` on {datetime.now(UTC):%Y-%m-%d}, with Python {platform.python_version()} and "
        f"coverage {measured['meta']['version']}: the quick tests (`make test`) in their own processes. Statements "
        "that only run in servers and commands that the tests start, or in the slow tests, count as not run."
    )
    yield ""
    yield "| room | statements | run | share |"
    yield "| --- | ---: | ---: | ---: |"
    rooms: dict[str, tuple[int, int]] = {}
    for name, file in measured["files"].items():
        statements, run = rooms.get(room := name.split("/")[0], (0, 0))
        rooms[room] = (statements + file["summary"]["num_statements"], run + file["summary"]["covered_lines"])
    for room, (statements, run) in sorted(rooms.items()):
        yield f"| `{room}` | {statements:,} | {run:,} | {run / statements:.1%} |"
    totals = measured["totals"]
    yield f"| all | {totals['num_statements']:,} | {totals['covered_lines']:,} | {totals['percent_covered']:.1f}% |"
    summaries = {name: file["summary"] for name, file in measured["files"].items()}
    few = {name: s for name, s in summaries.items() if s["covered_lines"] < FEW * s["num_statements"]}
    if few:
        yield ""
        yield f"Modules of which the quick tests run less than {FEW:.0%} in their own processes:"
        yield ""
        for name, summary in sorted(few.items(), key=lambda item: item[1]["percent_covered"]):
            yield f"- `{name}`: {summary['percent_covered']:.0f}% of {summary['num_statements']}"


if __name__ == "__main__":
    main()
