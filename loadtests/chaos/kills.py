"""Processes that end without warning, and one that is asked to end."""

from __future__ import annotations

import random
import time
from collections import Counter

from loadtests.chaos.callers import Callers, Connection, Memory
from loadtests.chaos.ground import Ground, Outcome, Site
from loadtests.chaos.ledger import audit
from loadtests.server import START_SECONDS, is_ready

LOAD_SECONDS = (0.3, 1.2)
"""Seconds of load before each kill, at least and at most."""
ASKED_AGAIN = 20
"""Answered requests that are sent once more after each kill, next to all unanswered ones."""


def kill(ground: Ground) -> Outcome:
    """Send SIGKILL under load, in turn to the worker and to every process of the server."""
    chance = random.Random(0)  # noqa: S311  # nothing secret
    memory = Memory()
    faults: Counter[str] = Counter()
    unanswered = repeated = unknown = 0
    traffic = ground.traffic(batch_share=0.1, keyed_share=0.5)
    with ground.site("kill") as site:
        for number in range(ground.sizes.kills):
            callers = Callers(site.port, traffic, ground.sizes.callers)
            with callers.calling() as seen:
                callers.wait_until(lambda memory: len(memory.decided) >= ASKED_AGAIN)
                time.sleep(chance.uniform(*LOAD_SECONDS))
                whole = number % 2 == 1
                if whole:
                    site.server.kill()
                else:
                    site.server.worker().kill()
                # Its successor answers those that wait, and they are to be the last.
                callers.stop()
                if whole:
                    site.restart()
            _wait_until_ready(site)
            memory.decided += seen.decided
            faults.update(seen.wrong)
            faults["refused"] += seen.refused
            unanswered += len(seen.unanswered)
            unknown += sum(request.rows for request in seen.unanswered if request.key is None)
            found = audit(site.journal, memory.received(), replay=False)
            faults.update({f"{name}, after a kill": count for name, count in found.faults.items()})
            repeated += _ask_again(site, seen, memory, faults)
            ground.advance((number + 1) / ground.sizes.kills)
        found = audit(site.journal, memory.received())
        site.server.stop()
    faults += found.faults
    # What was cut off and had a key has been answered since; of the rest nobody knows.
    if (unasked := found.kept - found.received - unknown) > 0:
        faults["decisions that nobody asked for"] += unasked
    held = f"{found}; {unanswered:,} requests cut off; {repeated:,} sent again"
    return Outcome(
        "SIGKILL under load, in turn to the worker and to the whole server; what was cut off is sent again, twice, "
        "under its Idempotency-Key",
        f"{ground.sizes.kills} kills",
        "every decision received is in the journal, once, and replays to the same bits; the chain is whole after each "
        "kill; the same key gets the same decision",
        _with_faults(held, faults),
        not +faults and unanswered > 0,
    )


def _wait_until_ready(site: Site) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not is_ready(site.port, "/readyz") and time.monotonic() < deadline:
        time.sleep(0.05)


def _ask_again(site: Site, seen: Memory, memory: Memory, faults: Counter[str]) -> int:
    """Send requests with a key once more: the unanswered twice, some of the answered; return how many."""
    connection = Connection(site.port)
    later = Memory()
    again = [request for request in seen.unanswered if request.key]
    for request in again:
        first, second = connection.send(request, later), connection.send(request, later)
        if first is None or first != second:
            faults["another answer to the same key"] += 1
    answered = [(request, decisions) for request, decisions in seen.decided if request.key][-ASKED_AGAIN:]
    for request, decisions in answered:
        if connection.send(request, later) != decisions:
            faults["another answer to the same key"] += 1
    connection.close()
    memory.decided += later.decided
    return len(again) + len(answered)


def terminate(ground: Ground) -> Outcome:
    """Send SIGTERM under load: accepted requests are answered, and nothing else is in the journal."""
    traffic = ground.traffic(batch_share=0.1)
    with ground.site("terminate") as site:
        callers = Callers(site.port, traffic, ground.sizes.callers)
        with callers.calling() as memory:
            time.sleep(min(ground.sizes.seconds, 3.0))
            site.server.terminate()
            refused = callers.wait_until(lambda memory: memory.refused_connections >= ground.sizes.callers)
        site.server.wait()
        ground.advance(0.8)
        found = audit(site.journal, memory.received())
    unasked = found.kept - memory.rows
    held = f"{found}; {len(memory.unanswered)} requests cut off"
    faults = memory.wrong + found.faults
    return Outcome(
        "SIGTERM under load, to clients that come again until they are refused",
        "once",
        "every accepted request is answered and in the journal; no other decision is; exit code 0",
        _with_faults(held, faults),
        refused and not faults and not memory.unanswered and not unasked and not memory.refused,
    )


def _with_faults(text: str, faults: Counter[str]) -> str:
    wrong = ", ".join(f"{count:,} × {name}" for name, count in sorted((+faults).items()))
    return f"{text}; WRONG: {wrong}" if wrong else text
