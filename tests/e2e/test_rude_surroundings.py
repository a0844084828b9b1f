"""A server whose output nobody reads, with clients beside it that send nothing and take nothing."""

from __future__ import annotations

import json
import signal
import subprocess
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from loadtests.server import free_port
from serving.log_writer import MOST_LINES
from tests.e2e.server import BENTOML, ROOT
from tests.serving.toy import environment
from tests.serving.wire.raw import connected, head, post
from tests.serving.wire.test_slow_clients import unread
from tests.waiting import LONGEST_WAIT, PATIENCE, PATIENT, answers, until


def dropped(port: int) -> float:
    """The lines of the log that the server counts as lost."""
    text = httpx.get(f"http://127.0.0.1:{port}/metrics", **PATIENT).text
    samples = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
    return sum(sample.value for sample in samples if sample.name == "scorebox_log_lines_dropped_total")


@pytest.mark.slow
def test_it_answers_every_good_request_and_ends_when_it_is_told_to(home: Path, example: dict[str, Any]) -> None:
    port = free_port()
    env = (
        environment(home) | PATIENCE | {"SCOREBOX_CLIENT_TIMEOUT": "1", "SCOREBOX_RELEASE": str(home / "release.json")}
    )
    command = [*BENTOML, "serve", "service:Scorebox", "--port", str(port)]
    with ExitStack() as stack:
        process = stack.enter_context(
            subprocess.Popen(command, cwd=ROOT, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        )
        stack.callback(process.kill)
        until(lambda: answers(f"http://127.0.0.1:{port}/readyz"))
        for _ in range(50):
            stack.enter_context(connected(port)).send(head("GET /health")[:20])
        client = stack.enter_context(connected(port))
        batch, body = 100, json.dumps(example).encode()
        for number in range((MOST_LINES + 1000) // batch):
            if number % 20 == 0:
                unread(port, stack)
                client.send(post("/predict", body))
                assert client.answer().status == 200
            client.send(head("GET /health") * batch)
            assert [client.answer().status for _ in range(batch)] == [200] * batch
        assert httpx.get(f"http://127.0.0.1:{port}/livez", **PATIENT).status_code == 200
        until(lambda: dropped(port) > 0)
        idle = [stack.enter_context(connected(port)) for _ in range(50)]
        for one in idle:
            one.send(head("GET /health"))
            assert one.answer().status == 200
        unread(port, stack)
        process.send_signal(signal.SIGTERM)
        assert process.wait(LONGEST_WAIT) == 0
        assert all(one.is_closed() for one in idle)
