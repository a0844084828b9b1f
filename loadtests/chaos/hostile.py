"""Bodies that are broken, too large or meant to harm, next to honest load."""

from __future__ import annotations

import http.client
import json
import socket
import time
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress

from loadtests.chaos.callers import Callers, is_refusal
from loadtests.chaos.ground import Ground, Outcome
from loadtests.chaos.ledger import audit
from loadtests.server import LOOPBACK
from loadtests.traffic import arrow_body, bad_bodies, batch_body

JSON = {"Content-Type": "application/json"}
ARROW = {"Content-Type": "application/vnd.apache.arrow.stream"}
ANSWER_SECONDS = 10.0

RAW = {
    "no HTTP": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(64),
    "a header without an end": b"POST /predict HTTP/1.1\r\nHost: x\r\nX-Long: " + b"a" * (1 << 17),
    "two lengths": b"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n{}",
    "a chunk of negative size": b"POST /predict HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n\r\n",
    "a body cut short": (
        b"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 99\r\n\r\n{"
    ),
}
"""The bytes that a client writes before it leaves, by the fault in them."""


def hostile(ground: Ground) -> Outcome:
    """Send every broken request again and again, while honest clients are served."""
    requests = broken_requests(ground)
    statuses: Counter[int] = Counter()
    wrong: Counter[str] = Counter()
    sent = 0
    with ground.site("hostile") as site:
        callers = Callers(site.port, ground.traffic(batch_share=0.1), max(ground.sizes.callers // 2, 1))
        with callers.calling() as memory:
            began = time.monotonic()
            # Every one at least once, however short the time.
            while sent == 0 or time.monotonic() - began < ground.sizes.seconds:
                for name, (path, headers, body) in requests.items():
                    sent += 1
                    status, good = _send(site.port, path, headers, body)
                    statuses[status] += 1
                    if not good:
                        wrong[f"{status} to {name}"] += 1
                for raw in RAW.values():
                    sent += 1
                    _write(site.port, raw)
                ground.advance(min((time.monotonic() - began) / ground.sizes.seconds, 0.9))
        site.server.stop()
        found = audit(site.journal, memory.received())
    wrong += memory.wrong
    answers = ", ".join(f"{count:,} × {status}" for status, count in sorted(statuses.items()))
    bad = ", ".join(f"{count:,} × {name}" for name, count in wrong.items())
    return Outcome(
        f"{len(requests) + len(RAW)} kinds of malformed and hostile requests next to honest load",
        f"{sent:,} requests",
        "no 5xx but 503 with Retry-After; honest clients get their decisions, each of them kept",
        f"{answers}; honest clients: {found}" + (f"; WRONG: {bad}" if bad else ""),
        not wrong and not memory.unanswered and found.holds and memory.rows > 0,
    )


def broken_requests(ground: Ground) -> dict[str, tuple[str, Mapping[str, str], bytes]]:
    """Return path, headers and body of each broken request, by its fault."""
    application = dict(ground.applications[0])
    body = json.dumps(application).encode()
    arrow = arrow_body(ground.scorecard, ground.applications, 100)
    column = next(rule.column for rule in ground.scorecard.rules if rule.required and rule.kind != "text")
    bodies = {
        **bad_bodies(ground.scorecard, application),
        "no JSON": b"{" * 1_000,
        "half of it": body[: len(body) // 2],
        "bytes that are no text": b"\xff\xfe\x00" * 100,
        "deep lists": b"[" * 5_000 + b"]" * 5_000,
        "a number without end": body.replace(b"{", b'{"x": ' + b"9" * 5_000 + b", ", 1),
        "an exponent without measure": json.dumps(application | {column: 0}).replace(": 0", ": 1e400", 1).encode(),
        "very many members": json.dumps({f"x{number}": number for number in range(1_000)}).encode(),
        "a lone surrogate": body.replace(b"{", b'{"\\ud800": 1, ', 1),
        "null": b"null",
        "a list": b"[" + body + b"]",
        "nothing": b"",
        "more than is taken": b" " * (2 << 20),
    }
    requests: dict[str, tuple[str, Mapping[str, str], bytes]] = {
        name: ("/predict", JSON, content) for name, content in bodies.items()
    }
    requests |= {
        "no batch": ("/predict_batch", JSON, body),
        "an empty batch": ("/predict_batch", JSON, b'{"applications": []}'),
        "too many rows": ("/predict_batch", JSON, batch_body([{}], 1_001)),
        "only broken rows": ("/predict_batch", JSON, batch_body([{"x": 1}], 1_000)),
        "another type": ("/predict", {"Content-Type": "text/plain"}, body),
        "a coding": ("/predict", {**JSON, "Content-Encoding": "gzip"}, body),
        "a wrong query": ("/predict?reasons=none", JSON, body),
        "a key that is no name": ("/predict", {**JSON, "Idempotency-Key": "a b\x7f"}, body),
        "a long key": ("/predict", {**JSON, "Idempotency-Key": "k" * 5_000}, body),
        "no such path": ("/../../etc/passwd", JSON, body),
        "no token": ("/reload", JSON, b""),
        "no Arrow": ("/predict_batch", ARROW, body),
        "half of an Arrow stream": ("/predict_batch", ARROW, arrow[: len(arrow) // 2]),
        "an Arrow stream with other bytes": ("/predict_batch", ARROW, arrow[:200] + bytes(200) + arrow[400:]),
    }
    return requests


def _send(port: int, path: str, headers: Mapping[str, str], body: bytes) -> tuple[int, bool]:
    """Return the status of the answer, and whether a broken request may be answered so; 0 for none."""
    connection = http.client.HTTPConnection(LOOPBACK, port, timeout=ANSWER_SECONDS)
    try:
        connection.request("POST", path, body, dict(headers))
        response = connection.getresponse()
        response.read()
    except (OSError, http.client.HTTPException):
        return 0, False
    finally:
        connection.close()
    return response.status, 400 <= response.status < 500 or is_refusal(response)


def _write(port: int, raw: bytes) -> None:
    with suppress(OSError), socket.create_connection((LOOPBACK, port), timeout=ANSWER_SECONDS) as connection:
        connection.sendall(raw)
