"""Made-up figures of a benchmark."""

from __future__ import annotations

from loadtests.bar import Sides
from loadtests.compare import ARROW_ROWS, CONNECTIONS, JSON_ROWS
from loadtests.figures import BatchLoad, Load, Lone, Results
from loadtests.reason_costs import ReasonCost

KEYS = ("ours", "every", "off", "theirs")
SIDES = Sides(*KEYS)


def load(
    contender: str,
    connections: int,
    cpu_us: float = 100.0,
    p99_ms: float = 4.0,
    failed: int = 0,
    rate: float = 10_000.0,
) -> Load:
    return Load(
        contender=contender,
        connections=connections,
        cpu_us=cpu_us,
        rate=rate,
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


def reason_cost(scorecard: str, family: str, alone_us: float) -> ReasonCost:
    return ReasonCost(
        scorecard=scorecard, family=family, groups=6, alone_us=alone_us, among_us=alone_us / 2, declines=True
    )


def results(
    loads: list[Load] | None = None,
    lone_after_ms: float = 0.5,
    network_us: float = 100.0,
    forest_us: float = 1_000.0,
) -> Results:
    return Results(
        facts={"Date": "2026-01-01 00:00 UTC", "Model": "toy"},
        titles={"ours": "Ours", "every": "Every", "off": "Off", "theirs": "Theirs"},
        loads=loads or [load(key, connections) for key in KEYS for connections in CONNECTIONS],
        batches=[
            *(batch(key, "json", rows) for key in ("ours", "theirs") for rows in JSON_ROWS),
            *(batch("ours", "arrow", rows) for rows in ARROW_ROWS),
        ],
        lone=[
            Lone(contender="ours", before_ms=0.5, after_ms=lone_after_ms, failed=0),
            Lone(contender="theirs", before_ms=0.5, after_ms=20.0, failed=0),
        ],
        reasons=[
            reason_cost("card_default", "network", network_us),
            reason_cost("german_credit", "forest", forest_us),
        ],
    )
