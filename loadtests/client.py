"""A closed-loop HTTP/1.1 load generator for loopback.

Every connection sends its next request when the last one is answered. It runs as its own process:
a plan comes in on stdin, the measurement goes out on stdout. A general HTTP library costs more CPU
per request than some of the servers measured, so this one knows only their kind of answer: a
status line, headers with Content-Length, a body.
"""

from __future__ import annotations

import asyncio
import gc
import pickle
import resource
import subprocess
import sys
import time
from array import array
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import cast

from loadtests import ROOT
from loadtests.machine import pinned

# Answers still outstanding when the time is up get this many seconds before they count as errors.
GRACE = 10.0
NANOSECONDS = 1e9


class ClientError(RuntimeError):
    """The load generator broke off without a measurement."""


@dataclass(frozen=True)
class Plan:
    """The requests to send, and the loopback port to send them to.

    Attributes:
        seconds: how long new requests are sent.
        pause: seconds between an answer and the connection's next request.
        requests: whole HTTP requests, sent in turn.
    """

    port: int
    requests: Sequence[bytes]
    connections: int
    seconds: float
    pause: float = 0.0


@dataclass
class Measurement:
    """The measurements of one run of a plan.

    Attributes:
        latencies: milliseconds of each answer with status 200, ascending.
        errors: how often each other outcome occurred, by its name.
        seconds: wall-clock time from the first request to the last answer.
        client_cpu: CPU seconds of the load generator in that time.
    """

    latencies: list[float]
    errors: dict[str, int]
    seconds: float
    client_cpu: float

    @property
    def answered(self) -> int:
        """Requests answered with status 200."""
        return len(self.latencies)

    @property
    def failed(self) -> int:
        """Requests with any other outcome."""
        return sum(self.errors.values())

    @property
    def rate(self) -> float:
        """Answers with status 200 per second."""
        return self.answered / self.seconds

    def percentile(self, share: float) -> float:
        """Return the latency in milliseconds that this share of the answers did not exceed."""
        if not self.latencies:
            return float("nan")
        return self.latencies[min(int(share * self.answered), self.answered - 1)]


def http_request(path: str, body: bytes, content_type: str = "application/json") -> bytes:
    """Return the bytes of one POST on a connection that stays open; the answer is wanted in the type that is sent."""
    head = (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: {content_type}\r\n"
        f"Accept: {content_type}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def measure(plan: Plan, cores: frozenset[int] | None = None) -> Measurement:
    """Run the plan in a process of its own, on these cores if given.

    Raises:
        ClientError: the process failed.
    """
    with pinned(cores):
        process = subprocess.Popen(
            [sys.executable, "-c", "from loadtests.client import main; main()"],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
    try:
        output, complaint = process.communicate(pickle.dumps(plan), timeout=plan.seconds + GRACE + 30)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        raise ClientError(f"the load generator did not end within {plan.seconds + GRACE + 30:g} s") from None
    if process.returncode != 0:
        raise ClientError(f"the load generator failed: {complaint.decode(errors='replace').strip()}")
    measurement = pickle.loads(output)  # noqa: S301  # written by this module's own process
    assert isinstance(measurement, Measurement)
    return measurement


@dataclass
class _Run:
    """State that the connections of one run share."""

    plan: Plan
    until: int
    sent: int = 0
    connected: bool = False
    open: int = 0
    last_answer: int = 0
    latencies: array[int] = field(default_factory=lambda: array("q"))
    errors: Counter[str] = field(default_factory=Counter)
    done: asyncio.Event = field(default_factory=asyncio.Event)

    def over(self) -> bool:
        return time.perf_counter_ns() >= self.until


class _Connection(asyncio.Protocol):
    def __init__(self, run: _Run) -> None:
        self._run = run
        self._transport: asyncio.Transport | None = None
        self._received = bytearray()
        self._expected = 0
        self._status = 0
        self._sent_at = 0
        self._waiting = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's has the methods, not the base class
        self._run.connected = True
        self._run.open += 1
        self._send()

    def _send(self) -> None:
        run, transport = self._run, self._transport
        assert transport is not None
        if run.over():
            transport.close()
            return
        request = run.plan.requests[run.sent % len(run.plan.requests)]
        run.sent += 1
        self._waiting = True
        self._sent_at = time.perf_counter_ns()
        transport.write(request)

    def data_received(self, data: bytes) -> None:
        self._received += data
        if not self._expected and not self._read_head():
            return
        if len(self._received) >= self._expected:
            self._answered()

    def _read_head(self) -> bool:
        end = self._received.find(b"\r\n\r\n")
        if end < 0:
            return False
        head = bytes(self._received[:end]).lower()
        _, found, length = head.partition(b"content-length:")
        if not found:
            self._fail("answer without Content-Length")
            return False
        self._status = int(head[9:12])
        self._expected = end + 4 + int(length.partition(b"\r\n")[0])
        return True

    def _answered(self) -> None:
        run = self._run
        run.last_answer = time.perf_counter_ns()
        self._waiting = False
        if self._status == 200:
            run.latencies.append(run.last_answer - self._sent_at)
        else:
            run.errors[f"status {self._status}"] += 1
        self._received.clear()
        self._expected = 0
        if run.plan.pause:
            asyncio.get_running_loop().call_later(run.plan.pause, self._send_if_open)
        else:
            self._send()

    def _send_if_open(self) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._send()

    def _fail(self, reason: str) -> None:
        self._waiting = False
        self._run.errors[reason] += 1
        if self._transport is not None:
            self._transport.close()

    def connection_lost(self, _error: Exception | None) -> None:
        run = self._run
        run.open -= 1
        if self._waiting:
            run.errors["connection closed before the answer"] += 1
        if not run.over():
            loop = asyncio.get_running_loop()
            # A server that refuses connections must not turn the generator into a busy loop.
            loop.call_later(0.01, lambda: loop.create_task(_connect(run)))
        elif run.open == 0:
            run.done.set()


async def _connect(run: _Run) -> None:
    try:
        await asyncio.get_running_loop().create_connection(partial(_Connection, run), "127.0.0.1", run.plan.port)
    except OSError:
        run.errors["connection refused"] += 1
        if run.open == 0 and run.over():
            run.done.set()


async def _drive(plan: Plan) -> Measurement:
    started = time.perf_counter_ns()
    cpu = _cpu_seconds()
    run = _Run(plan, until=started + int(plan.seconds * NANOSECONDS))
    await asyncio.gather(*(_connect(run) for _ in range(plan.connections)))
    if not run.connected:
        raise ClientError(f"port {plan.port} refuses connections")
    try:
        await asyncio.wait_for(run.done.wait(), plan.seconds + GRACE)
    except TimeoutError:
        run.errors["no answer"] += run.open
    return Measurement(
        latencies=[value / 1e6 for value in sorted(run.latencies)],
        errors=dict(run.errors),
        seconds=max(run.last_answer - started, 1) / NANOSECONDS,
        client_cpu=_cpu_seconds() - cpu,
    )


def _cpu_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def main() -> None:
    """Run the plan that comes on standard input."""
    plan = pickle.load(sys.stdin.buffer)  # noqa: S301  # written by `measure`
    gc.disable()
    # uvloop does not exist everywhere; without it the generator is slower and says so in `client_cpu`.
    with suppress(ImportError):
        import uvloop

        asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())
    try:
        measurement = asyncio.run(_drive(plan))
    except ClientError as error:
        sys.exit(str(error))
    # Where PYTHONUNBUFFERED is set, sys.stdout.buffer may write a part and leave the rest.
    with open(sys.stdout.fileno(), "wb", closefd=False) as whole:
        whole.write(pickle.dumps(measurement))
