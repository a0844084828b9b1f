"""The bar that the service is held against, and whether it clears it."""

from __future__ import annotations

from dataclasses import dataclass

from loadtests.figures import BatchLoad, Load, Lone, Results

CPU_BAR = 0.8
"""The most CPU per request at 64 connections, journal and reasons of declines included, as a multiple of FastAPI's."""
EVERY_REASON_BAR = 1.0
"""The same with the reasons of every decision."""
UNJOURNALED_BAR = 0.7
"""The same as the first without a journal."""
FEW_CONNECTIONS_BAR = 1.2
"""The same as the first at 8 connections."""
P99_BAR = {8: 1.5, 64: 1.5}
"""By connections: the longest p99, as a multiple of FastAPI's."""
JOURNAL_BAR = 0.15
"""The largest share of the throughput at 64 connections that the journal may take."""
LONE_MS = 1.0
"""The longest median of lone requests with the journal, before a burst or after it, in milliseconds."""
LONE_BAR = 1.2
"""The longest lone request after a burst, as a multiple of before; a fifth is the noise of two equal runs."""
MANY, FEW = 64, 8


@dataclass(frozen=True)
class BarResult:
    """One line of the bar: a figure, most often a ratio, and the most it may be."""

    what: str
    figure: float
    limit: float
    basis: str
    """The parts of the figure, in words."""

    @property
    def holds(self) -> bool:
        """Whether the figure is at or below the limit; a missing figure is not."""
        return self.figure <= self.limit


@dataclass(frozen=True)
class Sides:
    """The keys of those that the bar compares."""

    service: str
    every_reason: str
    journal_off: str
    rival: str


def verdicts(results: Results, sides: Sides) -> list[BarResult]:
    """Return every line of the bar."""
    lines = [
        _cpu(results, sides.service, sides.rival, MANY, CPU_BAR),
        _cpu(results, sides.every_reason, sides.rival, MANY, EVERY_REASON_BAR),
        _cpu(results, sides.journal_off, sides.rival, MANY, UNJOURNALED_BAR),
        _cpu(results, sides.service, sides.rival, FEW, FEW_CONNECTIONS_BAR),
        *(_p99(results, sides, connections, limit) for connections, limit in sorted(P99_BAR.items())),
        _journal(results, sides),
        *_lone(results, sides.service),
        *_reasons(results),
    ]
    own = (sides.service, sides.every_reason, sides.journal_off)
    measured: list[Load | BatchLoad | Lone] = [*results.loads, *results.batches, *results.lone]
    failed = sum(one.failed for one in measured if one.contender in own)
    lines.append(BarResult("Requests that failed", float(failed), 0.0, f"{failed} of all that were sent"))
    return lines


def _cpu(results: Results, key: str, rival: str, connections: int, limit: float) -> BarResult:
    ours, theirs = results.load(key, connections), results.load(rival, connections)
    return BarResult(
        f"CPU per request at {connections} connections, {results.titles[key]} against {results.titles[rival]}",
        ours.cpu_us / theirs.cpu_us,
        limit,
        f"{ours.cpu_us:.0f} and {theirs.cpu_us:.0f} µs",
    )


def _p99(results: Results, sides: Sides, connections: int, limit: float) -> BarResult:
    ours, theirs = results.load(sides.service, connections), results.load(sides.rival, connections)
    return BarResult(
        f"p99 at {connections} connections against {results.titles[sides.rival]}",
        ours.p99_ms / theirs.p99_ms,
        limit,
        f"{ours.p99_ms:.1f} and {theirs.p99_ms:.1f} ms",
    )


def _journal(results: Results, sides: Sides) -> BarResult:
    kept, off = results.load(sides.service, MANY), results.load(sides.journal_off, MANY)
    return BarResult(
        f"Share of the throughput at {MANY} connections that the journal takes",
        (off.rate - kept.rate) / off.rate,
        JOURNAL_BAR,
        f"{kept.rate:,.0f} and {off.rate:,.0f} requests/s",
    )


def _lone(results: Results, service: str) -> list[BarResult]:
    lone = next(one for one in results.lone if one.contender == service)
    basis = f"{lone.after_ms:.2f} and {lone.before_ms:.2f} ms"
    return [
        BarResult("Median of lone requests with the journal, ms", max(lone.before_ms, lone.after_ms), LONE_MS, basis),
        BarResult("Lone request after a burst against before it", lone.after_ms / lone.before_ms, LONE_BAR, basis),
    ]


def _reasons(results: Results) -> list[BarResult]:
    return [
        BarResult(
            f"CPU of one decision's reasons, {one.scorecard}, µs",
            one.alone_us,
            one.limit_us,
            f"{one.family}, {one.groups} groups",
        )
        for one in results.reasons
    ]
