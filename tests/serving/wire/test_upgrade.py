"""`Upgrade`, as clients of other protocols send it on the chance that the server speaks theirs too."""

from __future__ import annotations

import pytest

from tests.serving.wire.conftest import WireServer
from tests.serving.wire.raw import chunked, connected, head, post

H2C = ("Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABkAAQBAAAAAAIAAAAA")
"""What the JDK's HttpClient sends to every server on cleartext."""


@pytest.mark.parametrize("protocol", ["h2c", "TLS/1.0", "x"])
def test_a_request_that_offers_another_protocol_is_answered_as_without_the_offer(
    wire: WireServer, body: bytes, protocol: str
) -> None:
    with connected(wire.port) as client:
        for _ in range(2):
            client.send(post("/predict", body, "Connection: Upgrade", f"Upgrade: {protocol}"))
            answer = client.answer()
            assert (answer.status, answer.closes) == (200, False)
            assert answer.json()["scorecard"] == "card_default"
        client.send(post("/predict", body))
        assert client.answer().status == 200


def test_its_body_may_come_later_and_in_pieces(wire: WireServer, body: bytes) -> None:
    with connected(wire.port) as client:
        whole = post("/predict", body, *H2C)
        for piece in (whole[:20], whole[20 : -len(body)], body[:1], body[1:50], body[50:]):
            client.send(piece)
            wire.ping()
        assert client.answer().status == 200
        client.send(head("GET /model_info", *H2C))
        assert client.answer().status == 200


def test_any_number_of_them_may_come_at_once(wire: WireServer) -> None:
    with connected(wire.port) as client:
        client.send(head("GET /health", "Connection: Upgrade", "Upgrade: h2c") * 2_000)
        assert [client.answer().status for _ in range(2_000)] == [200] * 2_000


def test_its_body_may_come_in_chunks(wire: WireServer, body: bytes) -> None:
    with connected(wire.port) as client:
        whole = chunked("/predict", body[:10], body[10:], headers=H2C)
        client.send(whole, whole)
        assert [client.answer().status for _ in range(2)] == [200, 200]
        for start in range(0, len(whole), 97):
            client.send(whole[start : start + 97])
            wire.ping()
        assert client.answer().status == 200


def test_a_body_that_looks_like_a_request_is_none(wire: WireServer) -> None:
    inner = head("GET /health")
    before = wire.answered()
    with connected(wire.port) as client:
        client.send(post("/predict", inner, "Connection: Upgrade", "Upgrade: x"))
        assert client.answer().status == 400
        client.send(head("GET /model_info", "Connection: close"))
        assert client.answer().status == 200
        assert client.is_closed()
    assert wire.answered()[len(before) :] == ["/predict", "/model_info"]


def test_other_tokens_of_connection_hold(wire: WireServer, body: bytes) -> None:
    with connected(wire.port) as client:
        client.send(post("/predict", body, "Connection: close, Upgrade", "Upgrade: h2c"))
        answer = client.answer()
        assert (answer.status, answer.closes) == (200, True)
        assert client.is_closed()


def test_upgrade_without_its_token_in_connection_says_nothing(wire: WireServer, body: bytes) -> None:
    with connected(wire.port) as client:
        client.send(post("/predict", body, "Upgrade: websocket"))
        assert client.answer().status == 200


@pytest.mark.parametrize("offer", ["websocket", "WebSocket", "h2c, websocket"])
def test_a_websocket_is_refused(wire: WireServer, offer: str) -> None:
    with connected(wire.port) as client:
        key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="
        request = head("GET /predict", "Connection: Upgrade", f"Upgrade: {offer}", key, "Sec-WebSocket-Version: 13")
        client.send(request, head("GET /model_info"))
        answer = client.answer()
        assert (answer.status, answer.closes) == (400, True)
        assert answer.headers["content-type"] == "application/problem+json"
        assert "WebSocket" in answer.json()["detail"]
        assert client.is_closed()
    line = wire.line(answer.headers["x-request-id"])
    assert (line["route"], line["method"], line["status"]) == ("unknown", "GET", 400)


def test_a_tunnel_is_refused(wire: WireServer) -> None:
    with connected(wire.port) as client:
        client.send(head("CONNECT example.org:443"), head("GET /model_info"))
        answer = client.answer()
        assert (answer.status, answer.closes) == (400, True)
        assert client.is_closed()
