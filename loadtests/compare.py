"""Side by side: this service, FastAPI, and BentoML as it comes, under the same applications.

Every server runs for the whole time and gets its turn in every round, in another order each round,
so that a drift of the machine meets all alike.
"""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from loadtests.client import Measurement, Plan, http_request, measure
from loadtests.contenders import CONTENDERS, SERVICE, Contender
from loadtests.disk import disk_of
from loadtests.figures import BatchLoad, Load, Lone, Results, batch_of, load_of
from loadtests.machine import Cores, divide_cores, facts
from loadtests.reason_costs import ReasonCost
from loadtests.served import Served, bento_home, fresh_journal
from loadtests.server import LOOPBACK, Server, start
from loadtests.traffic import Values, arrow_body, batch_body
from scoring import scorecards
from scoring.scorecard import Scorecard

CONNECTIONS = (1, 8, 64)
BURST_CONNECTIONS = 64
LONE_PAUSE = 0.01
JSON_ROWS = (64, 1_000)
ARROW_ROWS = (1_000, 16_384)
BATCH_CONNECTIONS = 2
"""One batch is scored while the next one travels."""
BATCH_BODIES = 4
LARGEST_DIFFERENCE = 1e-6
"""Servers whose PDs of one application differ by more do not run the same graph."""


class NotComparableError(RuntimeError):
    """The servers do not do the same."""


@dataclass(frozen=True)
class Lengths:
    """How long each part takes: rounds, and seconds per measurement of each kind."""

    rounds: int
    seconds: float
    burst: float
    lone: float
    batch: float

    def total(self, contenders: Sequence[Contender]) -> float:
        """Return the seconds of measurement altogether."""
        json_cases = sum(one.json_batches for one in contenders) * len(JSON_ROWS)
        arrow_cases = sum(one.arrow_batches for one in contenders) * len(ARROW_ROWS)
        lone = sum(one.server is None for one in contenders) * (3 * self.lone + self.burst)
        singles = self.rounds * len(contenders) * len(CONNECTIONS) * self.seconds
        return lone + singles + self.rounds * (json_cases + arrow_cases) * self.batch


@dataclass(frozen=True)
class Entry:
    """A contender, its running server, and the requests it gets."""

    contender: Contender
    server: Server
    singles: Sequence[bytes]


class Bench:
    """Measures running servers, one at a time."""

    def __init__(self, entries: Sequence[Entry], cores: Cores, lengths: Lengths, progress: Progress) -> None:
        self._entries = entries
        self._cores = cores
        self._lengths = lengths
        self._progress = progress
        self._task = progress.add_task("", total=lengths.total([entry.contender for entry in entries]))

    def lone(self) -> list[Lone]:
        """Measure lone requests before and after a burst; first of all, while no server has seen load."""
        return [self._lone(entry) for entry in self._entries if entry.contender.server is None]

    def _lone(self, entry: Entry) -> Lone:
        lengths = self._lengths
        # A cold server would make the time before the burst longer, and the ratio kinder, than it is.
        self._drive(entry, entry.singles, 1, lengths.lone)
        before = self._drive(entry, entry.singles, 1, lengths.lone, LONE_PAUSE)[1]
        burst = self._drive(entry, entry.singles, BURST_CONNECTIONS, lengths.burst)[1]
        after = self._drive(entry, entry.singles, 1, lengths.lone, LONE_PAUSE)[1]
        return Lone(
            contender=entry.contender.key,
            before_ms=before.percentile(0.5),
            after_ms=after.percentile(0.5),
            failed=before.failed + burst.failed + after.failed,
        )

    def loads(self) -> Iterator[Load]:
        """Measure single applications, every round over all connections and servers."""
        for number in range(self._lengths.rounds):
            for place, connections in enumerate(CONNECTIONS):
                for entry in _rotated(self._entries, number + place):
                    cpu, seen = self._drive(entry, entry.singles, connections, self._lengths.seconds)
                    yield load_of(entry.contender.key, connections, cpu, seen)

    def batches(self, scorecard: Scorecard, applications: Sequence[Values]) -> Iterator[BatchLoad]:
        """Measure batches in JSON and Arrow, every round over all sizes and servers that accept them."""
        cases: list[tuple[str, int, list[bytes], list[Entry]]] = []
        for rows in JSON_ROWS:
            bodies = [batch_body(applications, rows, start * rows) for start in range(BATCH_BODIES)]
            requests = [http_request("/predict_batch", body) for body in bodies]
            cases.append(("json", rows, requests, [one for one in self._entries if one.contender.json_batches]))
        for rows in ARROW_ROWS:
            body = arrow_body(scorecard, applications, rows)
            requests = [http_request("/predict_batch", body, "application/vnd.apache.arrow.stream")]
            cases.append(("arrow", rows, requests, [one for one in self._entries if one.contender.arrow_batches]))
        for number in range(self._lengths.rounds):
            for encoding, rows, requests, entries in cases:
                for entry in _rotated(entries, number):
                    cpu, seen = self._drive(entry, requests, BATCH_CONNECTIONS, self._lengths.batch)
                    yield batch_of(entry.contender.key, encoding, rows, BATCH_CONNECTIONS, cpu, seen)

    def _drive(
        self,
        entry: Entry,
        requests: Sequence[bytes],
        connections: int,
        seconds: float,
        pause: float = 0.0,
    ) -> tuple[float, Measurement]:
        self._progress.update(self._task, description=f"{entry.contender.title}, {connections} connections")
        plan = Plan(entry.server.port, requests, connections, seconds, pause)
        cpu = entry.server.cpu_seconds()
        seen = measure(plan, self._cores.client)
        spent = entry.server.cpu_seconds() - cpu
        self._progress.advance(self._task, seconds)
        return spent, seen


def _rotated(entries: Sequence[Entry], by: int) -> list[Entry]:
    if not entries:
        return []
    shift = by % len(entries)
    return [*entries[shift:], *entries[:shift]]


def check_agreement(entries: Iterable[Entry], applications: Sequence[Values]) -> float:
    """Return the largest difference between the servers' PDs of the same applications.

    Raises:
        NotComparableError: a server refuses an application, or the PDs differ.
    """
    answers = [[_ask(entry, application) for application in applications] for entry in entries]
    difference: float = max(max(pds) - min(pds) for pds in zip(*answers, strict=True))
    if difference > LARGEST_DIFFERENCE:
        raise NotComparableError(
            f"the servers' PDs of one application differ by {difference:.2g}: they run different models"
        )
    return difference


def _ask(entry: Entry, application: Values) -> float:
    return entry.contender.pd(_post(entry, entry.contender.path, entry.contender.body(application)))


def _post(entry: Entry, path: str, body: bytes) -> bytes:
    connection = http.client.HTTPConnection(LOOPBACK, entry.server.port, timeout=10)
    try:
        connection.request("POST", path, body, {"Content-Type": "application/json"})
        response = connection.getresponse()
        answer = response.read()
    finally:
        connection.close()
    if response.status != 200:
        raise NotComparableError(
            f"{entry.contender.title} answered {response.status}: {answer[:500].decode(errors='replace')}"
        )
    return answer


def declined_share(entry: Entry, applications: Sequence[Values]) -> float:
    """Return the share of the applications that a server declines."""
    answer = json.loads(_post(entry, "/predict_batch", batch_body(applications, len(applications))))
    declined: int = sum(one["decision"] == "decline" for one in answer["decisions"])
    return declined / len(applications)


def run(
    served: Served,
    applications: Sequence[Values],
    lengths: Lengths,
    results_folder: Path,
    console: Console,
    contenders: Sequence[Contender] = CONTENDERS,
    reasons: Sequence[ReasonCost] = (),
) -> Results:
    """Start the contenders' servers, measure them and stop them.

    Args:
        results_folder: for logs and, until the end, journals.
        reasons: what has been measured already.

    Raises:
        NotComparableError: see `check_agreement`; the scorecard has a history, which the peers do not read; or the
            folder is in memory, where a journal would cost too little.
        ServerError: a server did not start, died, or did not stop as it should.
        ClientError: the load generator failed.
    """
    scorecard = scorecards.load(served.record.scorecard)
    if scorecard.history:
        raise NotComparableError(f"{scorecard.name} reads a history, which the peers cannot; choose another scorecard")
    results_folder.mkdir(parents=True, exist_ok=True)
    disk = disk_of(results_folder)
    if disk.in_memory:
        raise NotComparableError(f"{results_folder} is in memory, where a journal costs nothing; choose --results")
    cores = divide_cores()
    described = facts(cores)
    with ExitStack() as stack:
        servers: dict[str, Server] = {}
        for contender in contenders:
            if contender.server is not None:
                continue
            home = stack.enter_context(bento_home(served.store if contender.stored_models else None))
            journal = stack.enter_context(fresh_journal(results_folder))
            log = results_folder / f"bench-{contender.key}.log"
            server = servers[contender.key] = start(contender.command(served, home, journal), log, cores.server)
            stack.callback(server.kill)
        with console.status("Starting the servers"):
            for server in servers.values():
                server.wait_until_ready()
        entries = [
            Entry(
                one,
                servers[one.server or one.key],
                [http_request(one.path, one.body(application)) for application in applications],
            )
            for one in contenders
        ]
        check_agreement(entries, applications[:20])
        declined = declined_share(next(entry for entry in entries if entry.contender is SERVICE), applications)
        console.print(f"{len(applications)} applications, of which {declined:.1%} are declined")
        columns = (TextColumn("{task.description:<44}"), BarColumn(), TimeElapsedColumn(), TimeRemainingColumn())
        with Progress(*columns, console=console) as progress:
            bench = Bench(entries, cores, lengths, progress)
            lone = bench.lone()
            loads = list(bench.loads())
            batches = list(bench.batches(scorecard, applications))
        for server in servers.values():
            server.stop()
    model = f"{served.tag} ({served.record.family}), graph sha256 {served.record.graph_sha256[:12]}"
    return Results(
        facts={
            **described,
            "Model": model + (", SAMPLE DATA" if served.record.data.sample else ""),
            "Journal": f"sync full, on {disk}",
            "Declined": f"{declined:.1%} of the applications",
        },
        titles={contender.key: contender.title for contender in contenders},
        loads=loads,
        batches=batches,
        lone=lone,
        reasons=list(reasons),
    )
