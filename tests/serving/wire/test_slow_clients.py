"""Clients that send nothing, or slowly, or take no answers: none of them keeps its connection."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests.serving.wire.conftest import LOOPS, WireServer, serving
from tests.serving.wire.raw import Raw, connected, head, post

SHORT = 0.5


@pytest.fixture(scope="module", params=LOOPS)
def impatient(request: pytest.FixtureRequest) -> Iterator[WireServer]:
    with serving(request.param, client_timeout=SHORT, keep_alive=60) as server:
        yield server


@pytest.fixture(scope="module", params=LOOPS)
def hurried(request: pytest.FixtureRequest) -> Iterator[WireServer]:
    with serving(request.param, client_timeout=SHORT, request_timeout=SHORT) as server:
        yield server


def dribble(client: Raw, sent: bytes) -> None:
    """Send the bytes again and again, slowly, until nobody takes them."""
    try:
        while True:
            client.send(sent)
            time.sleep(SHORT / 10)
    except (BrokenPipeError, ConnectionResetError):
        pass


def test_a_connection_without_a_request_is_closed_without_a_word(impatient: WireServer) -> None:
    with connected(impatient.port) as client:
        assert client.is_closed()


def test_half_a_head_gets_a_problem(impatient: WireServer) -> None:
    with connected(impatient.port) as client:
        client.send(head("GET /health")[:-2])
        answer = client.answer()
        assert (answer.status, answer.closes) == (408, True)
        assert answer.json()["detail"] == f"the request's head did not arrive within {SHORT} s"
        assert client.is_closed()
    assert impatient.line(answer.headers["x-request-id"])["status"] == 408


def test_half_a_head_behind_a_request_gets_one_too(impatient: WireServer, body: bytes) -> None:
    with connected(impatient.port) as client:
        client.send(post("/predict", body), head("GET /health")[:-2])
        assert [client.answer().status for _ in range(2)] == [200, 408]
        assert client.is_closed()


@pytest.mark.parametrize("sent", [b"x", b"\r\n"])
def test_a_dribbled_head_gains_no_time(impatient: WireServer, sent: bytes) -> None:
    with connected(impatient.port) as client:
        dribble(client, sent)


def test_a_dribbled_body_gains_no_time(hurried: WireServer) -> None:
    with connected(hurried.port) as client:
        client.send(post("/predict", b" " * 6_000, "X-Request-ID: body-1")[:-5_000])
        dribble(client, b" ")
    assert hurried.line("body-1")["status"] == 408


@pytest.mark.parametrize(("path", "status"), [("/nothing", 404), ("/livez", 405)])
def test_the_dribbled_body_of_a_refused_request_gains_no_time(impatient: WireServer, path: str, status: int) -> None:
    with connected(impatient.port) as client:
        client.send(post(path, b" " * 60_000)[:-50_000])
        assert client.answer().status == status
        dribble(client, b" ")


def test_an_idle_connection_outlasts_the_patience_with_a_client(impatient: WireServer, body: bytes) -> None:
    with connected(impatient.port) as client:
        for _ in range(2):
            client.send(post("/predict", body))
            assert client.answer().status == 200
            time.sleep(3 * SHORT)
        client.send(post("/predict", body))
        assert client.answer().status == 200


def unread(port: int, stack: ExitStack) -> Raw:
    """A client that asks for more than the operating system holds between it and the server, and takes nothing."""
    connection = stack.enter_context(socket.socket())
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    connection.connect(("127.0.0.1", port))
    client = Raw(connection)
    client.send(*(head("GET /docs.json", f"X-Request-ID: unread-{number}") for number in range(700)))
    return client


def test_a_client_that_takes_no_answers_is_let_go_and_the_log_says_which_were_not_taken(impatient: WireServer) -> None:
    with ExitStack() as stack:
        client = unread(impatient.port, stack)
        dribble(client, b"GET")
        answered = client.rest_before_reset().count(b"HTTP/1.1 200")
    lines = [line for line in impatient.service.log() if line["request_id"].startswith("unread-")]
    not_taken = {line["request_id"] for line in lines if line.get("message") == "the client did not take the answer"}
    assert not_taken
    assert answered < len(lines)


@pytest.mark.parametrize("loop", LOOPS)
@pytest.mark.slow
def test_none_of_them_holds_the_end_of_the_server_up(loop: str, body: bytes) -> None:
    with ExitStack() as stack:
        with serving(loop, client_timeout=SHORT, request_timeout=SHORT, keep_alive=3600) as server:
            idle = [stack.enter_context(connected(server.port)) for _ in range(50)]
            for client in idle:
                client.send(head("GET /health"))
                assert client.answer().status == 200
            stack.enter_context(connected(server.port)).send(head("GET /health")[:-2])
            stack.enter_context(connected(server.port)).send(post("/predict", body)[:-2])
            unread(server.port, stack)
        assert all(client.is_closed() for client in idle)
