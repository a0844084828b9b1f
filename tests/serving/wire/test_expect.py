"""Requests that are refused before their body has come: the connection ends, and the body is no request."""

from __future__ import annotations

import pytest

from tests.serving.wire.conftest import WireServer
from tests.serving.wire.raw import chunked, connected, head, post

JSON = "Content-Type: application/json"
WAITS = "Expect: 100-continue"
REFUSED = {
    "a body beyond the limit": (413, "POST /predict", JSON, "Content-Length: 9000000"),
    "another type": (415, "POST /predict", "Content-Type: text/csv", "Content-Length: 9"),
    "another charset": (415, "POST /predict", f"{JSON}; charset=latin-1", "Content-Length: 9"),
    "another coding": (415, "POST /predict", JSON, "Content-Encoding: br", "Content-Length: 9"),
    "an unknown path": (404, "POST /nothing", JSON, "Content-Length: 9"),
    "another method": (405, "PUT /predict", JSON, "Content-Length: 9"),
}
BODY = head("GET /health")


@pytest.mark.parametrize(("status", "line", "headers"), [(s, line, h) for s, line, *h in REFUSED.values()], ids=REFUSED)
@pytest.mark.parametrize("expect", [(WAITS,), ()], ids=["waits to be asked", "sends at once"])
def test_a_request_that_is_refused_by_its_head_is_answered_before_its_body_and_ends_the_connection(
    wire: WireServer, status: int, line: str, headers: list[str], expect: tuple[str, ...]
) -> None:
    before = wire.answered()
    with connected(wire.port) as client:
        client.send(head(line, *headers, *expect))
        answer = client.answer()
        assert (answer.status, answer.closes) == (status, True)
        assert answer.headers["content-type"] == "application/problem+json"
        client.send(BODY)
        assert client.is_closed()
    assert wire.answered()[len(before) :] == ["unknown" if status == 404 else "/predict"]


def test_a_client_that_waits_is_asked_once_its_head_is_accepted(wire: WireServer, body: bytes) -> None:
    with connected(wire.port) as client:
        for _ in range(2):
            client.send(post("/predict", body, WAITS)[: -len(body)])
            assert client.answer().status == 100
            client.send(body)
            answer = client.answer()
            assert (answer.status, answer.closes) == (200, False)


def test_a_client_that_waits_for_nothing_because_no_body_is_read_may_go_on(wire: WireServer) -> None:
    with connected(wire.port) as client:
        client.send(head("GET /health", WAITS), head("GET /health"))
        assert [client.answer().status for _ in range(2)] == [200, 200]


def test_a_refused_request_that_has_come_whole_leaves_the_connection_open(wire: WireServer, body: bytes) -> None:
    with connected(wire.port) as client:
        for path, status in (("/nothing", 404), ("/model_info", 405), ("/predict", 200)):
            client.send(post(path, body))
            answer = client.answer()
            assert (answer.status, answer.closes) == (status, False)


def test_a_body_of_chunks_beyond_the_limit_ends_the_connection_with_its_answer(wire: WireServer) -> None:
    before = wire.answered()
    with connected(wire.port) as client:
        client.send(chunked("/predict", b" " * 700_000, b" " * 700_000).removesuffix(b"0\r\n\r\n"))
        answer = client.answer()
        assert (answer.status, answer.closes) == (413, True)
        client.send(BODY)
        client.end()
        assert client.is_closed()
    assert wire.answered()[len(before) :] == ["/predict"]


def test_a_client_that_sends_all_of_a_refused_body_first_gets_the_answer(wire: WireServer) -> None:
    with connected(wire.port) as client:
        client.send(head("POST /predict", JSON, "Content-Length: 40000000"), b" " * 40_000_000)
        assert client.answer().status == 413


def test_the_answers_before_a_refused_request_arrive_before_it(wire: WireServer, body: bytes) -> None:
    with connected(wire.port) as client:
        client.send(post("/predict", body), head("POST /predict", "Content-Type: x", "Content-Length: 9"))
        assert [client.answer().status for _ in range(2)] == [200, 415]
        assert client.is_closed()
