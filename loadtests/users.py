"""Locust's users. Only Locust's own process may import this."""

from __future__ import annotations

import itertools
import time

from locust import FastHttpUser, constant_throughput, task
from locust.contrib.fasthttp import ResponseContextManager

from loadtests.options import draw
from loadtests.settings import LoadSettings
from loadtests.traffic import Bodies
from scoring import scorecards

SETTINGS = LoadSettings()
_SCORECARD = scorecards.load(SETTINGS.scorecard)
BODIES = Bodies.of(_SCORECARD, draw(_SCORECARD, SETTINGS.applications), SETTINGS.rows)

# Shared by all users, so that together they send every body once before any comes again.
_SINGLE = itertools.cycle(BODIES.single)
_BATCHES = itertools.cycle(BODIES.batches)
_BAD = itertools.cycle(BODIES.bad)
_STARTED = itertools.count()
# Its multiples modulo 1 are spread evenly, however many of them there are.
GOLDEN = 0.618034
HEADERS = {"Content-Type": "application/json"}
SECONDS_TO_WAIT = 10.0


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
        with self._post("/predict", next(_SINGLE), "/predict") as response:
            if response.status_code == 200 and not 0.0 <= response.json()["pd"] <= 1.0:
                response.failure("the PD lies outside 0 to 1")

    def send_batch(self) -> None:
        """Send a batch of good applications: a decision for each is due."""
        with self._post("/predict_batch", next(_BATCHES), f"/predict_batch ({BODIES.rows} rows)") as response:
            if response.status_code == 200 and len(response.json()["decisions"]) != BODIES.rows:
                response.failure("the answer has another number of decisions")

    def send_bad(self) -> None:
        """Send an application that breaks the contract: a refusal with 422 is due."""
        with self._post("/predict", next(_BAD), "/predict (bad body)") as response:
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
