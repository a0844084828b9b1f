"""Locust's users. Only Locust's own process may import this."""

from __future__ import annotations

import itertools
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from locust import FastHttpUser, constant_throughput, events, task
from locust.contrib.fasthttp import ResponseContextManager
from locust.env import Environment

from loadtests import faced
from loadtests.options import draw
from loadtests.refusals import refusal
from loadtests.settings import LoadSettings
from loadtests.traffic import Bodies, TrafficError

SETTINGS = LoadSettings()
CANNOT_RUN = 2
_STARTED = itertools.count()
# Its multiples modulo 1 are spread evenly, however many of them there are.
GOLDEN = 0.618034
HEADERS = {"Content-Type": "application/json"}
SECONDS_TO_WAIT = 10.0


@dataclass(frozen=True)
class Supply:
    """Bodies without end, shared by all users: together they send every one once before any comes again."""

    single: Iterator[bytes]
    batches: Iterator[bytes]
    bad: Iterator[bytes]

    @classmethod
    def of(cls, bodies: Bodies) -> Supply:
        """Return the bodies in turn."""
        return cls(itertools.cycle(bodies.single), itertools.cycle(bodies.batches), itertools.cycle(bodies.bad))


supply: Supply


@events.test_start.add_listener  # type: ignore[untyped-decorator]  # Locust has no annotation here
def ask_whom_they_face(environment: Environment, **_: Any) -> None:
    """Make the bodies for the scorecard that the service says it serves.

    Raises:
        SystemExit: it does not say, or there are no applications for it; Locust ends with one line.
    """
    global supply  # noqa: PLW0603  # Locust makes the users, and hands them nothing
    try:
        scorecard = faced.ask(environment.host).scorecard
        supply = Supply.of(Bodies.of(scorecard, draw(scorecard, SETTINGS.applications), SETTINGS.rows))
    except (faced.FacedError, TrafficError) as error:
        sys.stderr.write(f"load: {error}\n")
        raise SystemExit(CANNOT_RUN) from None


class _User(FastHttpUser):
    abstract = True
    wait_time = constant_throughput(SETTINGS.requests_per_user)
    connection_timeout = SECONDS_TO_WAIT
    network_timeout = SECONDS_TO_WAIT
    # A repeated attempt would hide a failure.
    max_retries = 0

    def on_start(self) -> None:
        """Spread the users over their pace: started together they would also ask together for ever."""
        time.sleep(next(_STARTED) * GOLDEN % 1 / SETTINGS.requests_per_user)

    def send_single(self) -> None:
        """Send one good application: a decision is due."""
        with self._post("/predict", next(supply.single), "/predict") as response:
            if response.status_code == 200 and not 0.0 <= response.json()["pd"] <= 1.0:
                response.failure("the PD lies outside 0 to 1")
            elif response.status_code >= 400:
                response.failure(refusal(response.status_code, response.content))

    def send_batch(self) -> None:
        """Send a batch of good applications: a decision for each is due."""
        with self._post("/predict_batch", next(supply.batches), f"/predict_batch ({SETTINGS.rows} rows)") as response:
            if response.status_code == 200 and len(response.json()["decisions"]) != SETTINGS.rows:
                response.failure("the answer has another number of decisions")
            elif response.status_code >= 400:
                response.failure(refusal(response.status_code, response.content))

    def send_bad(self) -> None:
        """Send an application that breaks the contract: a refusal with 422 is due."""
        with self._post("/predict", next(supply.bad), "/predict (bad body)") as response:
            if response.status_code == 422:
                response.success()
            else:
                response.failure(f"status {response.status_code} for a bad body")

    def _post(self, path: str, body: bytes, name: str) -> ResponseContextManager:
        return self.client.post(
            path,
            data=body,  # type: ignore[arg-type]  # bytes are sent as they are
            headers=HEADERS,
            name=name,
            catch_response=True,
        )


class SingleUser(_User):
    """Asks for one decision at a time."""

    @task
    def single(self) -> None:
        """Send one good application."""
        self.send_single()


class BatchUser(_User):
    """Asks for decisions by the batch."""

    @task
    def batch(self) -> None:
        """Send a batch of good applications."""
        self.send_batch()


class MixedUser(_User):
    """Mostly single applications, some batches, and some bodies that break the contract."""

    @task(8)
    def single(self) -> None:
        """Send one good application."""
        self.send_single()

    @task(1)
    def batch(self) -> None:
        """Send a batch of good applications."""
        self.send_batch()

    @task(1)
    def bad(self) -> None:
        """Send an application that breaks the contract."""
        self.send_bad()
