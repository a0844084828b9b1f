"""The bar that the service is held against, and whether it clears it."""

from __future__ import annotations

from dataclasses import dataclass

from loadtests.figures import BatchLoad, Load, Lone, Results

CPU_BAR = {8: 1.2, 64: 0.7}
"""By connections: the most CPU per request, as a multiple of FastAPI's."""
P99_BAR = {8: 1.5, 64: 1.5}
"""By connections: the longest p99, as a multiple of FastAPI's."""
LONE_BAR = 1.2
"""The longest lone request after a burst, as a multiple of before; a fifth is the noise of two equal runs."""


@dataclass(frozen=True)
class Verdict:
    """One line of the bar: a ratio, and the most it may be."""

    what: str
    figure: float
    limit: float
    basis: str
    """The two figures behind the ratio, in words."""

    @property
    def holds(self) -> bool:
        """Whether the figure is at or below the limit; a missing figure is not."""
        return self.figure <= self.limit


def verdicts(results: Results, service: str, rival: str) -> list[Verdict]:
    """Every line of the bar, for these two contenders."""
    lines = []
    name = results.titles[rival]
    for connections, limit in sorted(CPU_BAR.items(), reverse=True):
        ours, theirs = (results.load(service, connections), results.load(rival, connections))
        lines.append(
            Verdict(
                f"CPU per request at {connections} connections against {name}",
                ours.cpu_us / theirs.cpu_us,
                limit,
                f"{ours.cpu_us:.0f} and {theirs.cpu_us:.0f} µs",
            )
        )
    for connections, limit in sorted(P99_BAR.items()):
        ours, theirs = (results.load(service, connections), results.load(rival, connections))
        lines.append(
            Verdict(
                f"p99 at {connections} connections against {name}",
                ours.p99_ms / theirs.p99_ms,
                limit,
                f"{ours.p99_ms:.1f} and {theirs.p99_ms:.1f} ms",
            )
        )
    lone = next(one for one in results.lone if one.contender == service)
    lines.append(
        Verdict(
            "Lone request after a burst against before it",
            lone.after_ms / lone.before_ms,
            LONE_BAR,
            f"{lone.after_ms:.2f} and {lone.before_ms:.2f} ms",
        )
    )
    measured: list[Load | BatchLoad | Lone] = [*results.loads, *results.batches, *results.lone]
    failed = sum(one.failed for one in measured if one.contender == service)
    lines.append(Verdict("Requests that failed", float(failed), 0.0, f"{failed} of all that were sent"))
    return lines
