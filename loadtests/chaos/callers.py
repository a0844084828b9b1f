"""Clients that remember what they were told: every decision received, and every request without an answer."""

from __future__ import annotations

import http.client
import itertools
import json
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from uuid import uuid4

from loadtests.server import LOOPBACK
from loadtests.traffic import Values

SECONDS_TO_WAIT = 60.0
"""For an answer: a server that starts anew keeps its callers waiting."""
PAUSE = 0.02
"""Seconds before a connection that was refused is tried again."""
KEYED_SHARE = 0.5
"""The fraction of requests that carry an Idempotency-Key."""


@dataclass(frozen=True, slots=True)
class Request:
    """The requests that are sent."""

    path: str
    body: bytes
    rows: int
    key: str | None = None


@dataclass(frozen=True, slots=True)
class Received:
    """A decision as a client has it."""

    decision_id: str
    pd: float


@dataclass
class Memory:
    """The answers that clients have seen; one for all of them.

    Attributes:
        decided: the decisions that answered each request.
        unanswered: requests that were sent, whose connection then closed.
        refused: 503 with Retry-After, as problem details.
        refused_connections: nobody listened.
        wrong: every other outcome, by what it was.
    """

    decided: list[tuple[Request, tuple[Received, ...]]] = field(default_factory=list)
    unanswered: list[Request] = field(default_factory=list)
    refused: int = 0
    refused_connections: int = 0
    wrong: Counter[str] = field(default_factory=Counter)
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def rows(self) -> int:
        """Decisions received."""
        return sum(len(decisions) for _, decisions in self.decided)

    @property
    def answers(self) -> int:
        """Requests that were answered, refusals too."""
        return len(self.decided) + self.refused

    def received(self) -> Iterator[Received]:
        """Return every decision that some client has."""
        return itertools.chain.from_iterable(decisions for _, decisions in self.decided)


class Traffic:
    """Requests without end, the same for the same seed but for their keys.

    Args:
        applications: what is asked about.
        batch_share: of requests that are batches.
        rows: applications in a batch.
        keyed_share: of requests that carry an Idempotency-Key.
    """

    def __init__(
        self, applications: Sequence[Values], *, batch_share: float = 0.0, rows: int = 50, keyed_share: float = 0.0
    ) -> None:
        self._singles = [json.dumps(one).encode() for one in applications]
        starts = range(0, len(applications), rows)
        chosen = [[applications[(start + row) % len(applications)] for row in range(rows)] for start in starts]
        self._batches = [json.dumps({"applications": batch}).encode() for batch in chosen]
        self._batch_share, self._rows, self._keyed_share = batch_share, rows, keyed_share

    def requests(self, seed: int) -> Iterator[Request]:
        """One client's requests."""
        chance = random.Random(seed)  # noqa: S311  # nothing secret
        while True:
            key = str(uuid4()) if chance.random() < self._keyed_share else None
            if chance.random() < self._batch_share:
                yield Request("/predict_batch", chance.choice(self._batches), self._rows, key)
            else:
                yield Request("/predict", chance.choice(self._singles), 1, key)


class Callers:
    """Clients that each send their next request when the last one is answered.

    Args:
        port: of the server on loopback.
        memory: where all of them write down what they see.
    """

    def __init__(self, port: int, traffic: Traffic, count: int, memory: Memory | None = None) -> None:
        self.memory = memory or Memory()
        self._port = port
        self._stopped = threading.Event()
        self._threads = [
            threading.Thread(target=self._run, args=(traffic.requests(number),), name=f"caller-{number}")
            for number in range(count)
        ]

    @contextmanager
    def calling(self) -> Iterator[Memory]:
        """Let the clients call for the length of the block; they have their last answers when it ends."""
        for thread in self._threads:
            thread.start()
        try:
            yield self.memory
        finally:
            self.stop()
            for thread in self._threads:
                thread.join()

    def stop(self) -> None:
        """Send no further request."""
        self._stopped.set()

    def wait_until(self, condition: Callable[[Memory], bool], seconds: float = SECONDS_TO_WAIT) -> bool:
        """Return whether the clients come to see it within this many seconds."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            with self.memory.lock:
                if condition(self.memory):
                    return True
            time.sleep(0.01)
        return False

    def _run(self, requests: Iterator[Request]) -> None:
        connection = Connection(self._port)
        for request in requests:
            if self._stopped.is_set():
                break
            connection.send(request, self.memory)
        connection.close()


class Connection:
    """One client's connection, opened again where the server closes it."""

    def __init__(self, port: int) -> None:
        self._http = http.client.HTTPConnection(LOOPBACK, port, timeout=SECONDS_TO_WAIT)

    def send(self, request: Request, memory: Memory) -> tuple[Received, ...] | None:
        """Send a request and record what becomes of it; return the decisions, if there are any."""
        if self._http.sock is None:
            try:
                self._http.connect()
            except OSError:
                self._http.close()
                with memory.lock:
                    memory.refused_connections += 1
                time.sleep(PAUSE)
                return None
        headers = {"Content-Type": "application/json"} | ({"Idempotency-Key": request.key} if request.key else {})
        try:
            self._http.request("POST", request.path, request.body, headers)
            response = self._http.getresponse()
            answer = response.read()
        except (OSError, http.client.HTTPException):
            self._http.close()
            with memory.lock:
                memory.unanswered.append(request)
            return None
        with memory.lock:
            return _check_answer(request, response, answer, memory)

    def close(self) -> None:
        """Close the connection."""
        self._http.close()


def _check_answer(
    request: Request, response: http.client.HTTPResponse, answer: bytes, memory: Memory
) -> tuple[Received, ...] | None:
    if response.status == 200:
        members = json.loads(answer)
        found = members["decisions"] if request.path == "/predict_batch" else [members]
        decisions = tuple(Received(one["decision_id"], one["pd"]) for one in found)
        if len(decisions) != request.rows:
            memory.wrong["200 with another number of decisions"] += 1
        memory.decided.append((request, decisions))
        return decisions
    if is_refusal(response):
        memory.refused += 1
    else:
        memory.wrong[f"status {response.status}"] += 1
    return None


def is_refusal(response: http.client.HTTPResponse) -> bool:
    """Return whether an answer is a 503 as it should be: problem details that say when to come again."""
    return (
        response.status == 503
        and response.getheader("content-type") == "application/problem+json"
        and response.getheader("retry-after") is not None
    )
