"""The figures of a benchmark, and the median over its rounds."""

from __future__ import annotations

from collections.abc import Iterable
from statistics import median

from pydantic import BaseModel

from loadtests.client import Measurement
from loadtests.reason_costs import ReasonCost


class Load(BaseModel):
    """One server under single applications at a number of connections, in one round or as the median of rounds.

    CPU is user and system time of the server's whole process tree.
    """

    contender: str
    connections: int
    cpu_us: float
    """CPU microseconds per answered request."""
    rate: float
    """Answers per second."""
    p50_ms: float
    p95_ms: float
    p99_ms: float
    answered: int
    failed: int
    errors: dict[str, int]
    client_busy: float
    """Share of one core that the load generator used; near 1 it would be the limit itself."""


class BatchLoad(BaseModel):
    """One server under batches of one size and format, in one round or as the median of rounds."""

    contender: str
    encoding: str
    rows: int
    connections: int
    cpu_us_per_row: float
    rows_per_second: float
    p50_ms: float
    answered: int
    failed: int
    errors: dict[str, int]


class Lone(BaseModel):
    """Median milliseconds of requests with no others at the time, before and after a burst."""

    contender: str
    before_ms: float
    after_ms: float
    failed: int


class Results(BaseModel):
    """Everything that one benchmark measured."""

    facts: dict[str, str]
    titles: dict[str, str]
    loads: list[Load]
    batches: list[BatchLoad]
    lone: list[Lone]
    reasons: list[ReasonCost] = []

    def load(self, contender: str, connections: int) -> Load:
        """Return the median round of one server at this many connections."""
        return _median_load(r for r in self.loads if (r.contender, r.connections) == (contender, connections))

    def batch(self, contender: str, encoding: str, rows: int) -> BatchLoad:
        """Return the median round of one server with these batches."""
        return _median_batch(
            r for r in self.batches if (r.contender, r.encoding, r.rows) == (contender, encoding, rows)
        )


def load_of(contender: str, connections: int, cpu_seconds: float, seen: Measurement) -> Load:
    """Return the figures of one round."""
    return Load(
        contender=contender,
        connections=connections,
        cpu_us=1e6 * cpu_seconds / max(seen.answered, 1),
        rate=seen.rate,
        p50_ms=seen.percentile(0.5),
        p95_ms=seen.percentile(0.95),
        p99_ms=seen.percentile(0.99),
        answered=seen.answered,
        failed=seen.failed,
        errors=seen.errors,
        client_busy=seen.client_cpu / seen.seconds,
    )


def batch_of(
    contender: str, encoding: str, rows: int, connections: int, cpu_seconds: float, seen: Measurement
) -> BatchLoad:
    """Return the figures of one round of batches."""
    return BatchLoad(
        contender=contender,
        encoding=encoding,
        rows=rows,
        connections=connections,
        cpu_us_per_row=1e6 * cpu_seconds / max(seen.answered * rows, 1),
        rows_per_second=seen.rate * rows,
        p50_ms=seen.percentile(0.5),
        answered=seen.answered,
        failed=seen.failed,
        errors=seen.errors,
    )


def _median_load(rounds: Iterable[Load]) -> Load:
    rounds = list(rounds)
    return rounds[0].model_copy(
        update={**_medians(rounds, "cpu_us", "rate", "p50_ms", "p95_ms", "p99_ms", "client_busy"), **_totals(rounds)}
    )


def _median_batch(rounds: Iterable[BatchLoad]) -> BatchLoad:
    rounds = list(rounds)
    return rounds[0].model_copy(
        update={**_medians(rounds, "cpu_us_per_row", "rows_per_second", "p50_ms"), **_totals(rounds)}
    )


def _medians(rounds: list[Load] | list[BatchLoad], *names: str) -> dict[str, float]:
    return {name: median(getattr(one, name) for one in rounds) for name in names}


def _totals(rounds: list[Load] | list[BatchLoad]) -> dict[str, object]:
    errors: dict[str, int] = {}
    for one in rounds:
        for name, count in one.errors.items():
            errors[name] = errors.get(name, 0) + count
    return {
        "answered": sum(one.answered for one in rounds),
        "failed": sum(one.failed for one in rounds),
        "errors": errors,
    }
