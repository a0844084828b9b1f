"""A request may come in any form that its clients write; what has two meanings is refused in words."""

from __future__ import annotations

import gzip
import json
import zlib
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.e2e.server import Server
from tests.serving.toy import SCORECARD
from tests.waiting import PATIENT

EXAMPLE = json.dumps(dict(SCORECARD.example)).encode()
BATCH = b'{"applications": [' + EXAMPLE + b"]}"
OUTCOMES = b'{"outcomes": [{"decision_id": "unknown", "defaulted": 1, "observed_on": "2026-09-30"}]}'
JSON = {"content-type": "application/json"}
BODIES = {"/predict": EXAMPLE, "/predict_batch": BATCH, "/explain": EXAMPLE, "/outcomes": OUTCOMES}
BYTE_ORDER_MARK = b"\xef\xbb\xbf"


def post(server: Server, path: str, body: bytes, *headers: tuple[str, str], media: bool = True) -> httpx.Response:
    """Send a body with these headers, each as often as it is given."""
    own = [("content-type", "application/json")] if media else []
    return httpx.post(server.url + path, content=body, headers=[*own, *headers], **PATIENT)


def errors(response: httpx.Response) -> list[tuple[str, str]]:
    assert response.headers["content-type"] == "application/problem+json"
    return [(error["field"], error["rule"]) for error in response.json()["errors"]]


def test_the_same_key_with_another_applicant_is_a_conflict(server: Server) -> None:
    def ask(key: str, *applicant: str, path: str = "/predict") -> httpx.Response:
        names = [("applicant-id", name) for name in applicant]
        return post(server, path, BODIES[path], ("idempotency-key", key), *names)

    for path in ("/predict", "/predict_batch"):
        first = ask(f"of-anna{path}", "anna", path=path)
        assert first.status_code == 200
        assert ask(f"of-anna{path}", "anna", path=path).content == first.content
        for other in (["berta"], []):
            refused = ask(f"of-anna{path}", *other, path=path)
            assert refused.status_code == 409
            assert "stands for another request or applicant" in refused.json()["detail"]
    nobody = ask("of-nobody")
    assert ask("of-nobody").content == nobody.content
    assert ask("of-nobody", "anna").status_code == 409


@pytest.mark.parametrize("header", ["Content-Type", "Authorization", "Idempotency-Key", "Applicant-ID"])
@pytest.mark.parametrize("path", ["/predict", "/explain", "/livez"])
def test_a_header_that_is_single_is_refused_when_it_comes_twice(server: Server, path: str, header: str) -> None:
    values = ["application/json"] * 2 if header == "Content-Type" else ["a", "a"]
    twice = [(header, value) for value in values]
    if path == "/livez":
        response = httpx.get(server.url + path, headers=twice, **PATIENT)
    else:
        response = post(server, path, EXAMPLE, *twice, media=header != "Content-Type")
    assert (response.status_code, errors(response)) == (400, [(header, "duplicate")])
    assert response.json()["detail"] == f"the header {header} is given twice"


def test_two_request_ids_are_replaced_as_a_broken_one_is(server: Server) -> None:
    trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    doubled = [("x-request-id", "one"), ("x-request-id", "two"), ("traceparent", trace), ("traceparent", trace)]
    response = post(server, "/predict", EXAMPLE, *doubled)
    assert response.status_code == 200
    assert response.headers["x-request-id"] not in {"one", "two", "one, two"}
    assert "traceparent" not in response.headers


def test_a_parameter_given_twice_is_refused(server: Server) -> None:
    response = post(server, "/predict?reasons=all&reasons=all", EXAMPLE)
    assert (response.status_code, errors(response)) == (422, [("reasons", "duplicate")])


def test_a_key_in_quotes_is_the_key_without_them(server: Server) -> None:
    plain = post(server, "/predict", EXAMPLE, ("idempotency-key", "quoted-1"))
    assert plain.status_code == 200
    assert post(server, "/predict", EXAMPLE, ("idempotency-key", '"quoted-1"')).content == plain.content


@pytest.mark.parametrize("key", ['"', '""', '"a', 'a"', '"a" "b"', r'"a\"b"', r'"a\\b"', '"a b"', '"a";x=1', "'a'"])
def test_a_key_that_is_no_string_of_its_characters_is_refused(server: Server, key: str) -> None:
    response = post(server, "/predict", EXAMPLE, ("idempotency-key", key))
    assert (response.status_code, errors(response)) == (422, [("Idempotency-Key", "string_pattern_mismatch")])


@pytest.mark.parametrize("path", BODIES)
def test_a_byte_order_mark_before_the_json_changes_nothing(server: Server, path: str) -> None:
    assert post(server, path, BYTE_ORDER_MARK + BODIES[path]).status_code == 200


def test_a_byte_order_mark_is_no_part_of_what_a_key_stands_for(server: Server) -> None:
    key = ("idempotency-key", "marked-1")
    plain = post(server, "/predict", EXAMPLE, key)
    assert post(server, "/predict", BYTE_ORDER_MARK + EXAMPLE, key).content == plain.content
    assert post(server, "/predict", BYTE_ORDER_MARK).json()["detail"] == "the body is empty"


@pytest.mark.parametrize(
    ("media_type", "status"),
    [
        ("application/json; charset=utf-8", 200),
        ('application/json; Charset="UTF-8"', 200),
        ("application/json;charset=UTF8; x=y", 200),
        ("application/json; charset=us-ascii", 200),
        ("application/json; x=charset", 200),
        ("application/json; charset=latin-1", 415),
        ('application/json; x="a;b" ; charset="ISO-8859-1"', 415),
        ("application/json; charset=utf-8; charset=utf-16", 415),
        ("application/json; charset = utf-16", 415),
        ('application/json; charset="utf-8', 415),
        ("application/json; charset=", 415),
    ],
)
def test_json_comes_in_utf_8_only(server: Server, media_type: str, status: int) -> None:
    for path, body in BODIES.items():
        response = post(server, path, body, ("content-type", media_type), media=False)
        assert response.status_code == status
        if status == 415:
            assert response.json()["detail"] == "the charset of the body must be utf-8"


@pytest.mark.parametrize("coding", ["gzip", "x-gzip", "GZIP"])
@pytest.mark.parametrize("path", BODIES)
def test_a_gzip_body_is_unpacked(server: Server, path: str, coding: str) -> None:
    packed = gzip.compress(BYTE_ORDER_MARK + BODIES[path])
    assert post(server, path, packed, ("content-encoding", coding)).status_code == 200


def test_how_a_body_was_packed_is_no_part_of_what_a_key_stands_for(server: Server) -> None:
    key, coding = ("idempotency-key", "packed-1"), ("content-encoding", "gzip")
    plain = post(server, "/predict", EXAMPLE, key)
    for packed in (gzip.compress(EXAMPLE, 1, mtime=1), gzip.compress(EXAMPLE, 9, mtime=2)):
        assert post(server, "/predict", packed, key, coding).content == plain.content


@pytest.mark.parametrize("coding", ["br", "deflate", "zstd", "gzip, gzip", "identity, gzip"])
def test_another_coding_is_refused_and_told_which_is_taken(server: Server, coding: str) -> None:
    response = post(server, "/predict", EXAMPLE, ("content-encoding", coding))
    assert (response.status_code, response.headers["accept-encoding"]) == (415, "gzip")
    assert response.json()["detail"] == "send the body with Content-Encoding: gzip, or without one"


PACKED = gzip.compress(EXAMPLE)
DAMAGED = {
    "not packed": (EXAMPLE, "the body is not gzip, or damaged"),
    "zlib's form": (zlib.compress(EXAMPLE), "the body is not gzip, or damaged"),
    "cut off": (PACKED[:-9], "the body ends before its gzip data do"),
    "without its check sum": (PACKED[:-8], "the body ends before its gzip data do"),
    "of another check sum": (PACKED[:-8] + b"\0" * 8, "the body is not gzip, or damaged"),
    "followed by more": (PACKED + b"{}", "bytes follow the end of the body's gzip data"),
    "two members": (PACKED + PACKED, "bytes follow the end of the body's gzip data"),
    "empty": (gzip.compress(b""), "the body is empty"),
}


@pytest.mark.parametrize(("body", "detail"), DAMAGED.values(), ids=DAMAGED.keys())
def test_a_gzip_body_that_is_not_whole_is_refused(server: Server, body: bytes, detail: str) -> None:
    for path in ("/predict", "/predict_batch"):
        response = post(server, path, body, ("content-encoding", "gzip"))
        assert (response.status_code, response.json()["detail"]) == (400, detail)


@pytest.mark.parametrize(("path", "limit"), [("/predict", 16 << 10), ("/predict_batch", 1 << 20)])
def test_a_body_has_its_limit_unpacked(server: Server, path: str, limit: int) -> None:
    coding = ("content-encoding", "gzip")
    whole = BODIES[path] + b" " * (limit - len(BODIES[path]))
    assert post(server, path, gzip.compress(whole), coding).status_code == 200
    response = post(server, path, gzip.compress(whole + b" "), coding)
    assert (response.status_code, response.json()["detail"]) == (
        413,
        f"the body is larger than {limit} bytes when it is unpacked",
    )


def test_what_unpacks_to_far_more_is_never_unpacked(server: Server) -> None:
    packing = zlib.compressobj(wbits=31)
    bomb = b"".join(packing.compress(b" " * (1 << 20)) for _ in range(256)) + packing.flush()

    def most_memory() -> int:
        status = Path(f"/proc/{server.worker()}/status").read_text().splitlines()
        (line,) = [line for line in status if line.startswith("VmHWM:")]
        return int(line.split()[1]) << 10

    before = most_memory()
    assert post(server, "/predict_batch", bomb, ("content-encoding", "gzip")).status_code == 413
    assert most_memory() - before < 64 << 20
    assert server.get("/readyz").status_code == 200


TWICE = {
    "under one name": (b'{"PAY_0": 1, ' + EXAMPLE[1:], "PAY_0", "Field is given twice"),
    "with one value": (b'{"PAY_0": 2, "PAY_0": 2, ' + EXAMPLE[1:], "PAY_0", "Field is given twice"),
    "escaped": (b'{"\\u0050AY_0": 1, ' + EXAMPLE[1:], "PAY_0", "Field is given twice"),
    "under both its names": (
        b'{"pay_0": 1, ' + EXAMPLE[1:],
        "PAY_0",
        "Field is given twice, as pay_0 and as PAY_0",
    ),
    "a text": (b'{"PAY_0": "a:b", ' + EXAMPLE[1:], "PAY_0", "Field is given twice"),
    "an unknown one": (b'{"x": 1, "x": {"y": 1, "y": 2}, ' + EXAMPLE[1:], "x", "Field is given twice"),
}


@pytest.mark.parametrize(("body", "field", "message"), TWICE.values(), ids=TWICE.keys())
def test_a_field_given_twice_is_named(server: Server, body: bytes, field: str, message: str) -> None:
    error = {"field": field, "rule": "duplicate", "message": message}
    for path in ("/predict", "/explain"):
        response = post(server, path, body)
        assert (response.status_code, response.json()["errors"]) == (422, [error])
    batch = post(server, "/predict_batch", b'{"applications": [%b, %b, %b]}' % (EXAMPLE, body, EXAMPLE))
    assert batch.status_code == 200
    assert batch.json()["errors"] == [{"index": 1, "errors": [error]}]
    assert [decision is None for decision in batch.json()["decisions"]] == [False, True, False]
    alone = post(server, "/predict_batch", b'{"applications": [%b]}' % body)
    assert (alone.status_code, alone.json()["rows"]) == (422, [{"index": 0, "errors": [error]}])


def test_a_batch_that_gives_its_own_field_twice_is_refused_as_a_whole(server: Server) -> None:
    rows = b'"applications": [%b]' % EXAMPLE
    for body in (b"{%b, %b}" % (rows, rows), b'{"applications": [], %b}' % rows):
        response = post(server, "/predict_batch", body)
        assert (response.status_code, errors(response)) == (422, [("applications", "duplicate")])


def test_outcomes_that_give_a_field_twice_are_named(server: Server) -> None:
    good = b'{"decision_id": "a:b", "defaulted": 1, "observed_on": "2026-09-30"}'
    assert post(server, "/outcomes", b'{"outcomes": [%b]}' % good).status_code == 200
    twice = b'{"defaulted": 0, ' + good[1:]
    response = post(server, "/outcomes", b'{"outcomes": [%b, %b, {"x": 1, "x": 2}]}' % (good, twice))
    assert (response.status_code, errors(response)) == (
        422,
        [("outcomes.1.defaulted", "duplicate"), ("outcomes.2.x", "duplicate")],
    )
    response = post(server, "/outcomes", b'{"outcomes": [], "outcomes": [%b]}' % good)
    assert (response.status_code, errors(response)) == (422, [("outcomes", "duplicate")])


def written(number: bytes) -> bytes:
    """The example with the first status of payment written so."""
    fields = {name.encode(): str(value).encode() for name, value in SCORECARD.example.items()} | {b"PAY_0": number}
    return b"{" + b", ".join(b'"%b": %b' % field for field in fields.items()) + b"}"


@pytest.mark.parametrize("number", [b"2.0", b"2e0", b"20e-1", b"0.2E+1", b"2.000"])
def test_a_whole_number_may_be_written_in_any_way(server: Server, number: bytes) -> None:
    def decided(body: bytes) -> list[Any]:
        alone = post(server, "/predict?reasons=all", body).json()
        batch = post(server, "/predict_batch?reasons=all", b'{"applications": [%b]}' % body).json()["decisions"][0]
        for decision in (alone, batch):
            del decision["decision_id"], decision["decided_at"]
        return [alone, batch, post(server, "/explain", body).json()]

    assert decided(written(number)) == decided(written(b"2"))


@pytest.mark.parametrize(
    ("number", "rule"),
    [
        (b"2.5", "int_type"),
        (b"25e-1", "int_type"),
        (b"true", "int_type"),
        (b'"2"', "int_type"),
        (b'"2.0"', "int_type"),
        (b"2e1", "less_than_equal"),
        (b"1e300", "less_than_equal"),
        (b"-3.0", "greater_than_equal"),
    ],
)
def test_what_is_no_whole_number_is_refused(server: Server, number: bytes, rule: str) -> None:
    for path in ("/predict", "/explain"):
        response = post(server, path, written(number))
        assert (response.status_code, errors(response)) == (422, [("PAY_0", rule)])
    batch = post(server, "/predict_batch", b'{"applications": [%b]}' % written(number))
    assert [(error["field"], error["rule"]) for error in batch.json()["rows"][0]["errors"]] == [("PAY_0", rule)]


def test_every_number_may_be_a_float_as_pandas_writes_it(server: Server) -> None:
    floats = json.dumps({name: float(value) for name, value in SCORECARD.example.items()}).encode()
    rows = b'{"applications": [%b]}'
    plain, pandas = [post(server, "/predict_batch", rows % body).json() for body in (EXAMPLE, floats)]
    assert pandas["errors"] == []
    assert pandas["decisions"][0]["pd"] == plain["decisions"][0]["pd"]
