"""Load held to targets, as a Markdown page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from loadtests.bench_report import markdown_table
from loadtests.curves import Scenario, Shape
from loadtests.targets import Finding

PAGE = "targets.md"
USERS = {
    Scenario.SINGLE: "single",
    Scenario.BATCH: "batch of 64",
    Scenario.MIXED: "mixed, bad bodies too",
}
COLUMNS = {
    "p50 ms": ",.0f",
    "p95 ms": ",.0f",
    "p99 ms": ",.0f",
    "failure share": ".2%",
    "requests/s": ",.0f",
    "memory growth MiB": ".1f",
}
"""The findings that the page has, and how their figures are written."""


@dataclass(frozen=True)
class Run:
    """One scenario under one shape, held to its targets."""

    scenario: Scenario
    shape: Shape
    findings: Sequence[Finding]


def markdown(runs: Sequence[Run], facts: Mapping[str, str], method: str) -> str:
    """Return the page.

    Args:
        runs: in the order of the rows.
        facts: about machine, model and applications, by name.
        method: the sentence that says how the page is made.
    """
    head = ["users", "shape", *COLUMNS, "targets"]
    missed = sum(not finding.holds for run in runs for finding in run.findings)
    parts = [
        "# Load held to targets\n",
        f"{method} The limits are those of `loadtests/targets.toml`. Memory growth is that of the service, from a "
        "third of a run to its end.\n",
        markdown_table(["", ""], [[name, value] for name, value in facts.items()], left=2),
        f"\n{f'{missed} targets are missed' if missed else 'Every target held'}.\n",
        markdown_table(head, [_row(run) for run in runs], left=2),
    ]
    return "\n".join(parts)


def _row(run: Run) -> list[str]:
    figures = {finding.name: finding.figure for finding in run.findings}
    shown = [
        "" if (figure := figures.get(name)) is None else format(figure, written) for name, written in COLUMNS.items()
    ]
    missed = [finding.name for finding in run.findings if not finding.holds]
    return [USERS[run.scenario], str(run.shape), *shown, f"missed: {', '.join(missed)}" if missed else "held"]
