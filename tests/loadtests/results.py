"""Made-up figures of a benchmark."""

from __future__ import annotations

from loadtests.compare import ARROW_ROWS, CONNECTIONS, JSON_ROWS
from loadtests.figures import BatchLoad, Load, Lone, Results


def load(contender: str, connections: int, cpu_us: float = 100.0, p99_ms: float = 4.0, failed: int = 0) -> Load:
    return Load(
        contender=contender,
        connections=connections,
        cpu_us=cpu_us,
        rate=1e6 / cpu_us,
        p50_ms=1.0,
        p95_ms=2.0,
        p99_ms=p99_ms,
        answered=1000,
        failed=failed,
        errors={"status 503": failed} if failed else {},
        client_busy=0.2,
    )


def batch(contender: str, encoding: str, rows: int) -> BatchLoad:
    return BatchLoad(
        contender=contender,
        encoding=encoding,
        rows=rows,
        connections=2,
        cpu_us_per_row=10.0,
        rows_per_second=100_000.0,
        p50_ms=5.0,
        answered=10,
        failed=0,
        errors={},
    )


def results(loads: list[Load] | None = None, lone_after_ms: float = 0.5) -> Results:
    return Results(
        facts={"Date": "2026-01-01 00:00 UTC", "Model": "toy"},
        titles={"ours": "Ours", "theirs": "Theirs"},
        loads=loads or [load(key, connections) for key in ("ours", "theirs") for connections in CONNECTIONS],
        batches=[
            *(batch(key, "json", rows) for key in ("ours", "theirs") for rows in JSON_ROWS),
            *(batch("ours", "arrow", rows) for rows in ARROW_ROWS),
        ],
        lone=[
            Lone(contender="ours", before_ms=0.5, after_ms=lone_after_ms, failed=0),
            Lone(contender="theirs", before_ms=0.5, after_ms=20.0, failed=0),
        ],
    )
