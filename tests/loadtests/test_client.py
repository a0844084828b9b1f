"""The load generator against servers that behave and misbehave."""

from __future__ import annotations

import math
import socket
import time
from collections.abc import Callable

import pytest

from loadtests.client import ClientError, Measurement, Plan, http_request, measure
from loadtests.server import free_port
from tests.loadtests.conftest import Answer, Stub

MakeStub = Callable[[Answer], Stub]
REQUEST = http_request("/predict", b"{}")


def answer(status: str = "200 OK", body: bytes = b"{}") -> bytes:
    return f"HTTP/1.1 {status}\r\ncontent-type: application/json\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


def run(port: int, requests: list[bytes] | None = None, connections: int = 2, seconds: float = 0.3) -> Measurement:
    return measure(Plan(port, requests or [REQUEST], connections, seconds))


def test_every_answer_is_counted_once(make_stub: MakeStub) -> None:
    stub = make_stub(lambda connection: connection.sendall(answer()))
    seen = run(stub.port)
    assert seen.answered == len(stub.requests) > 1
    assert seen.errors == {}
    assert seen.latencies == sorted(seen.latencies)
    assert seen.rate == pytest.approx(seen.answered / seen.seconds)


def test_requests_are_sent_in_turn(make_stub: MakeStub) -> None:
    stub = make_stub(lambda connection: connection.sendall(answer()))
    bodies = [http_request("/predict", str(number).encode()) for number in range(3)]
    run(stub.port, bodies, connections=1)
    assert stub.requests[:6] == bodies * 2


def test_an_answer_may_come_in_pieces(make_stub: MakeStub) -> None:
    def piecemeal(connection: socket.socket) -> None:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        whole = answer(body=b"x" * 100)
        for start in range(0, len(whole), 40):
            connection.sendall(whole[start : start + 40])
            time.sleep(0.002)

    stub = make_stub(piecemeal)
    seen = run(stub.port)
    assert seen.answered == len(stub.requests) > 0
    assert seen.errors == {}


def test_latency_is_the_time_to_the_last_byte(make_stub: MakeStub) -> None:
    def slow(connection: socket.socket) -> None:
        whole = answer()
        connection.sendall(whole[:-1])
        time.sleep(0.05)
        connection.sendall(whole[-1:])

    seen = run(make_stub(slow).port)
    assert min(seen.latencies) >= 50


def test_other_statuses_are_errors(make_stub: MakeStub) -> None:
    stub = make_stub(lambda connection: connection.sendall(answer("503 Service Unavailable")))
    seen = run(stub.port)
    assert seen.answered == 0
    assert seen.errors == {"status 503": len(stub.requests)}
    assert math.isnan(seen.percentile(0.5))


def test_a_closed_connection_is_an_error_and_is_opened_again(make_stub: MakeStub) -> None:
    stub = make_stub(lambda connection: connection.shutdown(socket.SHUT_RDWR))
    seen = run(stub.port, connections=1)
    assert seen.errors == {"connection closed before the answer": len(stub.requests)}
    assert len(stub.requests) > 1


def test_an_answer_without_a_length_is_an_error(make_stub: MakeStub) -> None:
    stub = make_stub(lambda connection: connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n"))
    seen = run(stub.port)
    assert set(seen.errors) == {"answer without Content-Length"}
    assert seen.answered == 0


def test_a_pause_lets_the_server_rest(make_stub: MakeStub) -> None:
    stub = make_stub(lambda connection: connection.sendall(answer()))
    seen = measure(Plan(stub.port, [REQUEST], connections=1, seconds=0.5, pause=0.1))
    assert 1 <= seen.answered <= 5


def test_nobody_listens() -> None:
    with pytest.raises(ClientError, match="refuses connections"):
        run(free_port())


def test_percentiles() -> None:
    seen = Measurement(latencies=[float(number) for number in range(1, 101)], errors={}, seconds=1, client_cpu=0)
    assert [seen.percentile(share) for share in (0.0, 0.5, 0.99, 1.0)] == [1, 51, 100, 100]
