"""A real server ends when it is told to, or when the process that started it has gone."""

from __future__ import annotations

import http.client
import json
import os
import signal
from collections import Counter
from pathlib import Path
from threading import Event, Thread
from typing import Any

import psutil
import pytest

from tests.e2e.server import Server, serve
from tests.waiting import LONGEST_WAIT, answers, until

CALLERS = 8


def ask_until(over: Event, server: Server, body: str, seen: Counter[str]) -> None:
    """Sends each request over a connection of its own, as a caller without a pool does."""
    while not over.is_set():
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=LONGEST_WAIT)
        try:
            connection.connect()
        except ConnectionRefusedError:
            seen["refused"] += 1
            over.wait(0.01)
            continue
        try:
            connection.request("POST", "/predict", body, {"Content-Type": "application/json"})
            seen[str(connection.getresponse().status)] += 1
        except (OSError, http.client.HTTPException) as error:
            seen[type(error).__name__] += 1
        finally:
            connection.close()


@pytest.mark.slow
def test_under_a_steady_flow_of_new_connections_it_ends_and_answers_all_it_took(
    home: Path, example: dict[str, Any]
) -> None:
    over = Event()
    seen: Counter[str] = Counter()
    with serve(home, SCOREBOX_DRAIN="0.5") as server:
        callers = [Thread(target=ask_until, args=(over, server, json.dumps(example), seen)) for _ in range(CALLERS)]
        for caller in callers:
            caller.start()
        try:
            until(lambda: seen["200"] >= 200)
            server.process.send_signal(signal.SIGTERM)
            # They go on asking until it has ended.
            assert server.process.wait(LONGEST_WAIT) == 0
        finally:
            over.set()
            for caller in callers:
                caller.join()
    assert set(seen) == {"200", "refused"}, seen


@pytest.mark.slow
def test_a_worker_that_is_told_to_end_is_replaced_by_one_that_listens(home: Path, example: dict[str, Any]) -> None:
    with serve(home) as server:
        first = server.worker()
        os.kill(first, signal.SIGTERM)
        until(lambda: not psutil.pid_exists(first))
        until(lambda: answers(f"{server.url}/readyz"))
        assert server.post("/predict", example).status_code == 200


@pytest.mark.slow
def test_a_worker_ends_when_the_process_that_started_it_is_killed(home: Path) -> None:
    with serve(home) as server:
        worker = psutil.Process(server.worker())
        server.process.kill()
        worker.wait(LONGEST_WAIT)
        assert "the parent process has gone" in server.output.read_text()
