"""Clients that say at once that nothing more will come, and then read."""

from __future__ import annotations

from contextlib import ExitStack

from tests.serving.wire.conftest import WireServer
from tests.serving.wire.raw import chunked, connected, head, post


def test_a_client_that_has_ended_gets_its_answer(wire: WireServer, body: bytes) -> None:
    with ExitStack() as stack:
        clients = [stack.enter_context(connected(wire.port)) for _ in range(40)]
        for client in clients:
            client.send(post("/predict", body))
            client.end()
        for client in clients:
            assert client.answer().status == 200
            assert client.is_closed()


def test_it_gets_the_answers_to_all_its_requests(wire: WireServer, body: bytes) -> None:
    with connected(wire.port) as client:
        client.send(post("/predict", body), chunked("/predict", body), head("GET /health"), head("GET /nothing"))
        client.end()
        assert [client.answer().status for _ in range(4)] == [200, 200, 200, 404]
        assert client.is_closed()


def test_nobody_decides_on_a_request_that_was_cut_short(wire: WireServer, body: bytes) -> None:
    before = wire.answered()
    with connected(wire.port) as client:
        client.send(post("/predict", body, "X-Request-ID: cut-1")[:-1])
        client.end()
        assert client.is_closed()
    assert wire.answered()[len(before) :] == ["/predict"]
    assert wire.line("cut-1")["status"] == 499


def test_a_request_that_was_cut_short_costs_those_before_it_nothing(wire: WireServer, body: bytes) -> None:
    for cut in (post("/predict", body)[:-1], head("GET /health")[:-1]):
        with connected(wire.port) as client:
            client.send(post("/predict", body), cut)
            client.end()
            assert client.answer().status == 200
            assert client.is_closed()


def test_a_client_that_ended_after_an_answer_is_let_go(wire: WireServer, body: bytes) -> None:
    with connected(wire.port) as client:
        client.send(post("/predict", body))
        assert client.answer().status == 200
        client.end()
        assert client.is_closed()
