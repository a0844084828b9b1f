"""Many decisions, too many requests, and a long time."""

from __future__ import annotations

import time

import numpy as np

from loadtests.chaos.callers import Callers
from loadtests.chaos.ground import Ground, Outcome
from loadtests.chaos.ledger import audit
from loadtests.server import Server

MEBIBYTE = 1 << 20

SATURATING = 64
"""Connections that a server cannot be busier with."""
TIMES_OVER = 10
OVERLOAD_ROWS = 200
MAX_WAIT = 0.5
LONGEST_MS = 2_000.0
"""The longest p99 of what is accepted in an overload: waiting, then being decided behind what was taken before."""
LEAST_GOOD = 0.25
"""The least share of its throughput that an overloaded server keeps: clients that never pause also have it read what
it refuses."""
RECOVERED = 3.0
"""The longest lone request after an overload, as a multiple of before, at the median."""
RECOVERED_MS = 10.0
"""A wait below this has recovered, however long it was before."""

SOAK_CONNECTIONS = 8
SOAK_PAUSE = 0.015
SOAK_STRETCH = 5.0
WARM_SHARE = 1 / 3
"""The first part of a soak, in which caches fill."""
MOST_GROWTH = 1.0
"""MiB a minute."""
UNSTEADY = 3.0
"""MiB that memory comes and goes by, so that a short run cannot tell a smaller growth from none."""
SOAK_SEGMENT = 32 << 20


def many(ground: Ground) -> Outcome:
    """Make this many decisions over HTTP, single and in batches, and replay every one of them."""
    wanted = ground.sizes.decisions
    with ground.site("many", SCOREBOX_JOURNAL_SEGMENT_BYTES=str(SOAK_SEGMENT)) as site:
        callers = Callers(site.port, ground.traffic(batch_share=0.1), ground.sizes.callers)
        began = time.monotonic()
        with callers.calling() as memory:
            while not callers.wait_until(lambda memory: memory.rows >= wanted, 0.5):
                ground.advance(0.7 * memory.rows / wanted)
                if time.monotonic() - began > 60 + wanted / 100:
                    break
        seconds = time.monotonic() - began
        site.server.stop()
        done = 0

        def advance(rows: int) -> None:
            nonlocal done
            done += rows
            ground.advance(0.7 + 0.3 * min(done / memory.rows, 1))

        found = audit(site.journal, memory.received(), advance=advance)
    singles = sum(request.path == "/predict" for request, _ in memory.decided)
    faults = memory.wrong + found.faults
    wrong = ", ".join(f"{count:,} × {name}" for name, count in faults.items())
    return Outcome(
        f"/predict and /predict_batch at {ground.sizes.callers} connections, then every decision is replayed",
        f"{wanted:,} decisions",
        "each is in the journal, once, and replays to the same bits, reasons too",
        f"{found}; {seconds:,.0f} s, {singles:,} requests of one, {len(memory.decided) - singles:,} of several"
        + (f"; WRONG: {wrong}" if wrong else ""),
        not faults and memory.rows >= wanted and found.kept == memory.rows and not memory.unanswered,
    )


def overload(ground: Ground) -> Outcome:
    """Open ten times the connections that saturate the server, each with batches."""
    seconds = ground.sizes.seconds
    with ground.site("overload", SCOREBOX_MAX_WAIT=str(MAX_WAIT)) as site:
        ground.measured(site, 1, min(seconds, 2.0))
        before = ground.measured(site, 1, min(seconds, 2.0))
        ground.advance(0.2)
        full = ground.measured(site, SATURATING // 16, seconds, rows=OVERLOAD_ROWS)
        ground.advance(0.5)
        over = ground.measured(site, SATURATING * TIMES_OVER, seconds, rows=OVERLOAD_ROWS)
        ground.advance(0.8)
        after = ground.measured(site, 1, min(seconds, 2.0))
        site.server.stop()
        found = audit(site.journal, (), replay=False)
    refused = over.errors.get("status 503", 0)
    others = {name: count for name, count in over.errors.items() if name != "status 503"}
    lone = after.percentile(0.5)
    in_time = (
        over.percentile(0.99) <= LONGEST_MS
        and over.rate >= LEAST_GOOD * full.rate
        and (lone <= RECOVERED * before.percentile(0.5) or lone <= RECOVERED_MS)
    )
    return Outcome(
        f"Batches of {OVERLOAD_ROWS} at {SATURATING * TIMES_OVER} connections, {TIMES_OVER} times as many as the "
        f"benchmark's busiest; SCOREBOX_MAX_WAIT={MAX_WAIT:g}",
        f"{seconds:g} s",
        f"the rest is refused with 503; p99 of what is accepted at most {LONGEST_MS / 1000:g} s; throughput stays "
        f"above {LEAST_GOOD:.0%} of that without an overload; a lone request is as fast as before right after",
        f"{over.answered + refused:,} requests, {refused / max(over.answered + refused, 1):.0%} refused"
        + (f", WRONG: {others}" if others else "")
        + f"; accepted: p50 {over.percentile(0.5):,.0f} ms, p99 {over.percentile(0.99):,.0f} ms, {over.rate:,.0f} "
        f"batches/s ({full.rate:,.0f} without an overload); lone request {before.percentile(0.5):.2f} ms before, "
        f"{lone:.2f} ms after",
        refused > 0 and not others and not after.errors and found.holds,
        in_time,
    )


def soak(ground: Ground) -> Outcome:
    """Send steady load for minutes, and measure the memory of the server's processes."""
    minutes: list[float] = []
    memory: list[float] = []
    answered = failed = 0
    with ground.site("soak", SCOREBOX_JOURNAL_SEGMENT_BYTES=str(SOAK_SEGMENT)) as site:
        began = time.monotonic()
        while (passed := time.monotonic() - began) < ground.sizes.soak:
            stretch = min(SOAK_STRETCH, ground.sizes.soak / 10)
            seen = ground.measured(site, SOAK_CONNECTIONS, stretch, pause=SOAK_PAUSE)
            answered, failed = answered + seen.answered, failed + seen.failed
            minutes.append((time.monotonic() - began) / 60)
            memory.append(_mebibytes(site.server))
            ground.advance(min(passed / ground.sizes.soak, 0.95))
        site.server.stop()
        found = audit(site.journal, ())
    warm = int(len(minutes) * WARM_SHARE)
    slope = float(np.polyfit(minutes[warm:], memory[warm:], 1)[0])
    return Outcome(
        f"Steady load at {SOAK_CONNECTIONS} connections, the journal on",
        f"{ground.sizes.soak:,.0f} s",
        f"resident memory grows by at most {MOST_GROWTH:g} MiB a minute after the first third, or by at most "
        f"{UNSTEADY:g} MiB in all; nothing fails",
        f"{answered:,} answered, {failed:,} failed; {memory[warm]:,.0f} MiB after a third, {memory[-1]:,.0f} at the "
        f"end, {slope:+.2f} MiB a minute; {found}",
        (slope <= MOST_GROWTH or memory[-1] - memory[warm] <= UNSTEADY)
        and not failed
        and found.holds
        and found.kept == answered,
    )


def _mebibytes(server: Server) -> float:
    return server.memory_bytes() / MEBIBYTE
