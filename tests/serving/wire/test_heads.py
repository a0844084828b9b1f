"""Heads that are too large, and what is no request at all."""

from __future__ import annotations

import pytest

from serving.wire.limits import HEAD_BYTES
from tests.serving.wire.conftest import WireServer
from tests.serving.wire.raw import Answer, Raw, chunked, connected, head, post

LARGE = {
    "one large header": head("GET /health", "X: " + "x" * HEAD_BYTES),
    "a large name": head("GET /health", "x" * HEAD_BYTES + ": x"),
    "many headers": head("GET /health", *(f"X-{number}: x" for number in range(HEAD_BYTES // 10))),
    "a long path": head("GET /" + "x" * HEAD_BYTES),
    "a long query": head("GET /health?" + "x" * HEAD_BYTES),
}


def assert_refused(wire: WireServer, client: Raw, status: int) -> Answer:
    """The next answer is a problem with this status, the last one, and in the log."""
    answer = client.answer()
    assert (answer.status, answer.closes) == (status, True)
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["status"] == status
    assert client.is_closed()
    assert wire.line(answer.headers["x-request-id"])["status"] == status
    return answer


@pytest.mark.parametrize("whole", LARGE.values(), ids=LARGE)
@pytest.mark.parametrize("size", [1 << 20, 4_000])
def test_a_head_that_is_too_large_is_refused(wire: WireServer, whole: bytes, size: int) -> None:
    with connected(wire.port) as client:
        for start in range(0, len(whole), size):
            client.send(whole[start : start + size])
            if size < len(whole):
                wire.ping()
        client.send(head("GET /health"))
        assert_refused(wire, client, 431)


def test_a_header_without_end_is_refused_long_before_its_end(wire: WireServer, body: bytes) -> None:
    with connected(wire.port) as client:
        client.send(b"GET /health HTTP/1.1\r\nHost: x\r\nX: ", b"x" * (40 << 20))
        assert_refused(wire, client, 431)


@pytest.mark.parametrize("size", [1 << 20, 4_000])
def test_a_head_within_the_limit_is_taken_however_it_comes(wire: WireServer, body: bytes, size: int) -> None:
    filled = [f"X-{number}: {'x' * 300}" for number in range(100)]
    with connected(wire.port) as client:
        # Behind a large body, whose bytes may arrive with those of the head.
        large = b'{"applications": [' + b" " * 200_000 + body + b"]}"
        whole = post("/predict_batch", large, *filled) + post("/predict", body, *filled)
        for start in range(0, len(whole), size):
            client.send(whole[start : start + size])
        assert [client.answer().status for _ in range(2)] == [200, 200]


ENDLESS = {
    "a chunk extension": b"5;" + b"x" * (HEAD_BYTES << 5),
    "trailers": b"2\r\n{}\r\n0\r\n" + b"".join(b"x-%d: x\r\n" % number for number in range(HEAD_BYTES << 2)),
}


@pytest.mark.parametrize("rest", ENDLESS.values(), ids=ENDLESS)
def test_a_body_that_goes_on_without_content_is_refused(wire: WireServer, rest: bytes) -> None:
    with connected(wire.port) as client:
        client.send(chunked("/predict").removesuffix(b"0\r\n\r\n"), rest)
        assert_refused(wire, client, 400)


def test_trailers_are_no_headers(wire: WireServer, body: bytes) -> None:
    with connected(wire.port) as client:
        for _ in range(2):
            whole = chunked("/predict", body).removesuffix(b"\r\n")
            client.send(whole, b"Host: y\r\nApplicant-ID: ???\r\n\r\n")
            assert client.answer().status == 200


def test_a_chunk_that_is_none_is_refused_once(wire: WireServer) -> None:
    with connected(wire.port) as client:
        client.send(chunked("/predict", b"{").removesuffix(b"0\r\n\r\n"))
        wire.ping()
        client.send(b"no size\r\n")
        answer = assert_refused(wire, client, 400)
    assert wire.line(answer.headers["x-request-id"])["route"] == "/predict"


NO_REQUESTS = {
    "text": b"hello\r\n\r\n",
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "another version": b"GET /health HTTP/3.7\r\nHost: x\r\n\r\n",
    "a path of bytes": b"GET /\xff HTTP/1.1\r\nHost: x\r\n\r\n",
    "a line that is no header": b"GET /health HTTP/1.1\r\nHost: x\r\nno header\r\n\r\n",
    "two lengths": head("POST /predict", "Content-Length: 5", "Content-Length: 6") + b"hello!",
    "a length and chunks": head("POST /predict", "Content-Length: 5", "Transfer-Encoding: chunked") + b"0\r\n\r\n",
    "a length that is none": head("POST /predict", "Content-Length: -5"),
    "no Host": head("GET /health", host=None),
    "two Hosts": head("GET /health", "Host: y"),
    "no Host in an offer": head("GET /health", "Upgrade: h2c", "Connection: upgrade", host=None),
}


@pytest.mark.parametrize("sent", NO_REQUESTS.values(), ids=NO_REQUESTS)
def test_what_is_no_request_gets_problem_details(wire: WireServer, sent: bytes) -> None:
    with connected(wire.port) as client:
        client.send(sent, head("GET /health"))
        assert_refused(wire, client, 400)


def test_the_client_s_name_for_a_request_is_kept_where_it_was_read(wire: WireServer) -> None:
    with connected(wire.port) as client:
        client.send(head("GET /health", "X-Request-ID: mine-7", host=None))
        assert assert_refused(wire, client, 400).headers["x-request-id"] == "mine-7"


def test_a_refused_head_has_no_body_in_its_answer(wire: WireServer) -> None:
    with connected(wire.port) as client:
        client.send(head("HEAD /health", host=None))
        assert client.rest().endswith(b"\r\n\r\n")


@pytest.mark.parametrize("line", ["GET /health", "GET http://x/health", "OPTIONS *"])
def test_other_forms_of_requests_are_answered(wire: WireServer, line: str) -> None:
    with connected(wire.port) as client:
        client.send(head(line))
        assert client.answer().status == (404 if line == "OPTIONS *" else 200)


def test_a_request_of_http_1_0_needs_no_host(wire: WireServer) -> None:
    with connected(wire.port) as client:
        client.send(b"GET /health HTTP/1.0\r\n\r\n")
        answer = client.answer()
        assert (answer.status, answer.closes) == (200, True)


def test_the_requests_before_it_are_answered_before_it(wire: WireServer, body: bytes) -> None:
    with connected(wire.port) as client:
        client.send(post("/predict", body), post("/predict", body), b"hello\r\n\r\n", post("/predict", body))
        assert [client.answer().status for _ in range(2)] == [200, 200]
        assert_refused(wire, client, 400)
