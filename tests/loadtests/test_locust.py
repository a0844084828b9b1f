"""Locust as its users call it: its own options, and whom the users face."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from loadtests import ROOT
from loadtests.faced import FacedError, ask
from loadtests.refusals import refusal
from loadtests.server import free_port
from scoring import scorecards
from tests.serving.toy import environment
from tests.waiting import LONGEST_WAIT, until

LOCUSTFILE = ROOT / "loadtests" / "locustfile.py"
NO_FIELD = {"field": "PAY_0", "rule": "missing", "message": "Field required"}


class Service(ThreadingHTTPServer):
    """Says that it serves a scorecard, decides applications that keep a contract and refuses all others."""

    daemon_threads = True

    def __init__(self, said: object, status: int = 200, contract: str = "card_default") -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.said = said
        self.status = status
        self.application = scorecards.load(contract).application
        self.decided = 0
        self.refused = 0

    @property
    def host(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Service

    def do_GET(self) -> None:
        assert self.path == "/model_info"
        self._respond(self.server.status, self.server.said)

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        try:
            self.server.application.model_validate_json(body)
        except ValueError:
            self._respond(422, {"detail": "1 rule is broken", "errors": [NO_FIELD]})
            self.server.refused += 1
        else:
            self._respond(200, {"pd": 0.5})
            self.server.decided += 1

    def _respond(self, status: int, body: object) -> None:
        content = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def serve() -> Iterator[Callable[..., Service]]:
    with ExitStack() as stack:

        def start(*arguments: Any, **options: Any) -> Service:
            service = stack.enter_context(Service(*arguments, **options))
            Thread(target=service.serve_forever, daemon=True).start()
            stack.callback(service.shutdown)
            return service

        yield start


def locust(folder: Path, *arguments: str, **settings: str) -> subprocess.Popen[str]:
    """Start Locust without its page, in another folder than the checkout; all that it says is in `said`."""
    command = [sys.executable, "-m", "locust", "--locustfile", str(LOCUSTFILE), "--headless", *arguments]
    with (folder / "said").open("w") as said:
        return subprocess.Popen(
            command, cwd=folder, env=environment(folder) | settings, stdout=said, stderr=said, text=True
        )


@pytest.mark.parametrize("scorecard", ["german_credit", "card_approval"])
@pytest.mark.slow
def test_the_users_send_applications_of_the_scorecard_that_they_face_by_locust_s_own_options(
    tmp_path: Path, serve: Callable[..., Service], scorecard: str
) -> None:
    service = serve({"scorecard": scorecard}, contract=scorecard)
    running = locust(
        tmp_path, "SingleUser", "--host", service.host, "--users", "3", "--spawn-rate", "2", "--run-time", "10m",
        SCOREBOX_SCORECARD="card_default", SCOREBOX_LOAD_USERS="7",
    )  # fmt: skip
    said = tmp_path / "said"
    until(lambda: service.decided >= 20 or running.poll() is not None, said.read_text)
    running.terminate()
    assert running.wait(LONGEST_WAIT) == 0, said.read_text()
    assert service.refused == 0
    assert "Run time limit set to 600 seconds" in said.read_text()
    assert "Ramping to 3 users at a rate of 2.00 per second" in said.read_text()


@pytest.mark.slow
def test_why_applications_are_refused_stands_in_the_table_of_failures(
    tmp_path: Path, serve: Callable[..., Service]
) -> None:
    service = serve({"scorecard": "german_credit"}, contract="card_default")
    running = locust(tmp_path, "SingleUser", "--host", service.host, "--users", "1")
    said = tmp_path / "said"
    until(lambda: service.refused >= 5 or running.poll() is not None, said.read_text)
    running.terminate()
    assert running.wait(LONGEST_WAIT) == 1
    assert "422: 1 rule is broken; PAY_0: Field required" in said.read_text()


@pytest.mark.parametrize("known", [True, False])
@pytest.mark.slow
def test_locust_ends_with_one_line_where_the_users_cannot_know_whom_they_face(
    tmp_path: Path, serve: Callable[..., Service], known: bool
) -> None:
    if known:
        host = f"http://127.0.0.1:{free_port()}"
        complaint = "does not answer /model_info: [Errno 111] Connection refused"
    else:
        host = serve({"scorecard": "loans_of_mars"}).host
        complaint = "serves a scorecard that is not known here: there is no scorecard 'loans_of_mars'"
    assert locust(tmp_path, "--host", host, "--users", "2", "--run-time", "10m").wait(LONGEST_WAIT) == 2
    said = (tmp_path / "said").read_text()
    assert [line.startswith(f"load: {host} {complaint}") for line in said.splitlines() if "load: " in line] == [True]
    assert "Traceback" not in said


@pytest.mark.parametrize(
    ("status", "said", "complaint"),
    [
        (404, {}, "answers /model_info with 404"),
        (200, [], "answers /model_info without a scorecard: is it Scorebox?"),
        (200, {"scorecard": 5}, "answers /model_info without a scorecard: is it Scorebox?"),
    ],
)
def test_a_service_that_does_not_say_its_scorecard_is_named_with_what_it_says(
    serve: Callable[..., Service], status: int, said: object, complaint: str
) -> None:
    host = serve(said, status).host
    with pytest.raises(FacedError) as raised:
        ask(host)
    assert str(raised.value) == f"{host} {complaint}"


@pytest.mark.parametrize(
    ("host", "complaint"),
    [
        (None, "name the service: --host http://127.0.0.1:3000"),
        ("", "name the service: --host http://127.0.0.1:3000"),
        ("nonsense", "nonsense is no address of a service, or answers /model_info with no JSON"),
    ],
)
def test_an_address_that_is_none_is_refused(host: str | None, complaint: str) -> None:
    with pytest.raises(FacedError) as raised:
        ask(host)
    assert str(raised.value) == complaint


@pytest.mark.parametrize(
    ("body", "line"),
    [
        (
            {"detail": "2 rules are broken", "errors": [NO_FIELD, NO_FIELD]},
            "422: 2 rules are broken; PAY_0: Field required",
        ),
        (
            {"detail": "every application breaks its contract", "rows": [{"index": 0, "errors": [NO_FIELD]}]},
            "422: every application breaks its contract; PAY_0: Field required",
        ),
        ({"detail": "the body is empty"}, "422: the body is empty"),
        ("not a problem", "422 without a problem in words"),
    ],
)
def test_a_refusal_is_told_with_its_reason(body: object, line: str) -> None:
    assert refusal(422, json.dumps(body).encode()) == line
