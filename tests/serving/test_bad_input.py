"""Nothing that a caller sends makes a 5xx; what is refused is refused by field and rule, without its value."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from scoring.errors import FieldError, field_errors
from serving.batches import Batch, BrokenRow
from tests.serving.conftest import Service
from tests.serving.toy import SCORECARD

pytestmark = pytest.mark.anyio

# A number that is in no name, bound or message.
SECRET = 987123


def with_literal(field: str, literal: str) -> bytes:
    """The example with a field written in a way that `json.dumps` does not offer."""
    fields = {name: json.dumps(value) for name, value in SCORECARD.example.items()} | {field: literal}
    return ("{" + ", ".join(f'"{name}": {value}' for name, value in fields.items()) + "}").encode()


BROKEN_VALUES = [
    ("a number as a string", "LIMIT_BAL", f'"{SECRET}"', "float_type"),
    ("a whole number as a string", "PAY_0", '"2"', "int_type"),
    ("a boolean for a number", "LIMIT_BAL", "true", "float_type"),
    ("a boolean for a whole number", "EDUCATION", "false", "int_type"),
    ("a fraction for a whole number", "PAY_0", "1.5", "int_type"),
    ("NaN", "LIMIT_BAL", "NaN", "finite_number"),
    ("Infinity", "BILL_AMT1", "Infinity", "finite_number"),
    ("-Infinity", "BILL_AMT1", "-Infinity", "finite_number"),
    ("a number beyond float64", "BILL_AMT1", "1e400", "finite_number"),
    ("a whole number of 400 digits", "PAY_0", "9" * 400, "less_than_equal"),
    # From bytes pydantic calls this infinite, from a Python number no number.
    ("an amount of 400 digits", "LIMIT_BAL", "9" * 400, None),
    ("above the range", "EDUCATION", "7", "less_than_equal"),
    ("below the range", "AGE", "17", "greater_than_equal"),
    ("null for a required field", "PAY_0", "null", "int_type"),
    ("a list", "PAY_0", f"[{SECRET}]", "int_type"),
    ("an object", "LIMIT_BAL", f'{{"value": {SECRET}}}', "float_type"),
    ("an unknown field", "colour", f'"{SECRET}"', "extra_forbidden"),
    ("a field that almost exists", "pay_1", "1", "extra_forbidden"),
]


@pytest.mark.parametrize(
    ("field", "literal", "rule"), [case[1:] for case in BROKEN_VALUES], ids=[case[0] for case in BROKEN_VALUES]
)
async def test_a_broken_value_is_refused_by_field_and_rule(
    service: Service, field: str, literal: str, rule: str | None
) -> None:
    body = with_literal(field, literal)
    headers = {"content-type": "application/json"}
    alone = await service.client.post("/predict", content=body, headers=headers)
    batch = await service.client.post("/predict_batch", content=b'{"applications": [' + body + b"]}", headers=headers)
    assert alone.status_code == batch.status_code == 422
    errors = alone.json()["errors"]
    assert [error["field"] for error in errors] == [field]
    (row,) = batch.json()["rows"]
    if rule is not None:
        assert [error["rule"] for error in errors] == [rule]
        assert row == {"index": 0, "errors": errors}
    assert [error["field"] for error in row["errors"]] == [field]
    assert str(SECRET) not in alone.text + batch.text + json.dumps(service.log())


@pytest.mark.parametrize("field", [rule.column for rule in SCORECARD.rules if rule.required])
async def test_every_required_field_is_missed(service: Service, field: str, example: dict[str, Any]) -> None:
    del example[field]
    response = await service.client.post("/predict", json=example)
    assert response.status_code == 422
    assert response.json()["errors"] == [{"field": field, "rule": "missing", "message": "Field required"}]


BROKEN_BODIES = {
    "empty": (b"", 400),
    "white space": (b"  \n", 400),
    "half an object": (b'{"LIMIT_BAL": 1', 400),
    "not JSON": (b"LIMIT_BAL=1", 400),
    "not UTF-8": (b'{"LIMIT_BAL": "\xff\xfe"}', 400),
    "two values": (b"{} {}", 400),
    "null": (b"null", 422),
    "a list": (b"[]", 422),
    "a number": (b"1", 422),
    "a string": (b'"x"', 422),
    "an empty object": (b"{}", 422),
    "deeply nested": (b"[" * 10_000, 400),
    "many unknown fields": (b"{" + b",".join(b'"f%d":1' % i for i in range(1_000)) + b"}", 422),
    "a long name": (b'{"' + b"n" * 15_000 + b'": 1}', 422),
}


@pytest.mark.parametrize("path", ["/predict", "/predict_batch"])
@pytest.mark.parametrize(("body", "status"), BROKEN_BODIES.values(), ids=BROKEN_BODIES.keys())
async def test_a_broken_body_is_refused(service: Service, path: str, body: bytes, status: int) -> None:
    response = await service.client.post(path, content=body, headers={"content-type": "application/json"})
    assert response.status_code == status
    assert response.headers["content-type"] == "application/problem+json"
    problem = response.json()
    assert (problem["status"], problem["type"]) == (status, "about:blank")
    assert len(problem.get("errors", [])) <= 100
    assert len(response.content) < 20_000


async def test_a_count_says_how_many_rules_are_broken_where_not_all_are_listed(service: Service) -> None:
    body = {f"f{index}": 1 for index in range(200)}
    problem = (await service.client.post("/predict", json=body)).json()
    assert problem["detail"] == "220 rules are broken; the first 100 are listed"


BROKEN_BATCHES = {
    "no applications": ({"applications": []}, "applications", "too_short"),
    "too many applications": ({"applications": [{}] * 1001}, "applications", "too_long"),
    "not a list": ({"applications": {}}, "applications", "list_type"),
    "without its name": ([], "(body)", "model_type"),
    "another member": ({"applications": [dict(SCORECARD.example)], "x": 1}, "x", "extra_forbidden"),
}


@pytest.mark.parametrize(("body", "field", "rule"), BROKEN_BATCHES.values(), ids=BROKEN_BATCHES.keys())
async def test_a_broken_batch_is_refused_as_a_whole(service: Service, body: Any, field: str, rule: str) -> None:
    response = await service.client.post("/predict_batch", json=body)
    assert response.status_code == 422
    assert [(error["field"], error["rule"]) for error in response.json()["errors"]] == [(field, rule)]


async def test_the_reasons_of_a_batch_without_a_good_application_are_bounded(service: Service) -> None:
    problem = (await service.client.post("/predict_batch", json={"applications": [{}] * 1000})).json()
    assert len(problem["rows"]) == 100
    assert problem["detail"] == "every application of the batch breaks its contract; the first 100 are listed"


async def test_the_reasons_of_a_crowded_application_in_a_batch_are_bounded(
    service: Service, example: dict[str, Any]
) -> None:
    unknown = example | {f"f{index}": 1 for index in range(23)}
    crowded = example | {f"f{index}": 1 for index in range(24)}
    wrong = dict.fromkeys(example, "x") | {f"f{index}": 1 for index in range(20)}
    body = {"applications": [example, unknown, crowded, wrong]}
    errors = (await service.client.post("/predict_batch", json=body)).json()["errors"]
    assert [len(row["errors"]) for row in errors] == [23, 1, 25]
    assert errors[1]["errors"] == [
        {"field": "(application)", "rule": "too_long", "message": "Application should have at most 46 members"}
    ]


@pytest.mark.parametrize("path", ["/predict", "/predict_batch"])
@pytest.mark.parametrize(
    "content_type",
    [
        None, "", "text/plain", "application/x-www-form-urlencoded", "application/vnd.bentoml+pickle",
        "multipart/form-data; boundary=x", "application/jsonp", "application/json, text/plain",
    ],
)  # fmt: skip
async def test_another_content_type_is_refused(
    service: Service, path: str, content_type: str | None, example: dict[str, Any]
) -> None:
    headers = {} if content_type is None else {"content-type": content_type}
    response = await service.client.post(path, content=json.dumps(example), headers=headers)
    assert response.status_code == 415
    assert "application/json" in response.json()["detail"]


@pytest.mark.parametrize(
    "content_type", ["application/json; charset=utf-8", "Application/JSON", "application/json ;x=y"]
)
async def test_the_content_type_may_have_parameters(
    service: Service, content_type: str, example: dict[str, Any]
) -> None:
    headers = {"content-type": content_type}
    response = await service.client.post("/predict", content=json.dumps(example), headers=headers)
    assert response.status_code == 200


async def test_a_coded_body_is_refused(service: Service, example: dict[str, Any]) -> None:
    response = await service.client.post("/predict", json=example, headers={"content-encoding": "br"})
    assert response.status_code == 415


SERVICE = Service()

# Names of fields and others, some more than once.
MEMBERS = st.lists(
    st.tuples(
        st.sampled_from([*SCORECARD.columns, "pay_0", "limit_bal", "x", "a:b", "\\u0050AY_0"]),
        st.sampled_from(
            ["1", "2.0", "0.5", "-0.0", "1e400", "9" * 4000, "NaN", "null", '":"', '{"a":1,"a":2}', "[{}]"]
        ),
    ),
    max_size=30,
)


@settings(deadline=None)
@given(MEMBERS, st.booleans())
def test_fields_given_twice_are_found_and_no_others(members: list[tuple[str, str]], complete: bool) -> None:
    if complete:
        members = [*((name, json.dumps(value)) for name, value in SCORECARD.example.items()), *members]
    body = ("{" + ", ".join(f'"{name}": {value}' for name, value in members) + "}").encode()
    known = {rule.field: rule.column for rule in SCORECARD.rules}
    columns = [known.get(name := json.loads(f'"{written}"'), name) for written, _ in members]
    twice = {name for name in columns if columns.count(name) > 1}
    for found in (_verdict(SERVICE.core.read_application, body), _verdict(SERVICE.core.read_batch, _batch_of(body))):
        duplicates = {field for field, rule in found if rule == "duplicate"} if isinstance(found, set) else set()
        assert duplicates == twice or found == {("(body)", "too_long")}


def _batch_of(body: bytes) -> bytes:
    return b'{"applications": [' + body + b"]}"


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
    lambda children: st.lists(children, max_size=3) | st.dictionaries(st.text(max_size=10), children, max_size=3),
    max_leaves=10,
)
ALMOST_APPLICATIONS = st.builds(
    lambda changes: dict(SCORECARD.example) | changes,
    st.dictionaries(st.sampled_from([*SCORECARD.columns, "pay_0", "x"]), JSON_VALUES, max_size=4),
)


@settings(deadline=None)
@given(body=st.binary(max_size=200) | st.builds(lambda v: json.dumps(v).encode(), JSON_VALUES | ALMOST_APPLICATIONS))
def test_any_bytes_are_judged_alike_alone_and_in_a_batch(body: bytes) -> None:
    """Alone an application is validated from bytes; a broken batch is validated from Python objects."""
    alone = _verdict(SERVICE.core.read_application, body)
    rows = _verdict(SERVICE.core.read_batch, _batch_of(body))
    if alone == "not JSON" or rows == "not JSON":
        return
    assert alone == rows


def _verdict(read: Callable[[bytes], Any], body: bytes) -> Any:
    try:
        value = read(body)
    except ValidationError as error:
        errors = field_errors(error)
        return "not JSON" if errors[0].rule == "json_invalid" else _pairs(errors)
    if not isinstance(value, Batch):
        return value
    (row, *_) = value.applications
    return _pairs(row.errors) if isinstance(row, BrokenRow) else row


def _pairs(errors: list[FieldError]) -> set[tuple[str, str]]:
    return {(error.field.replace("(application)", "(body)"), error.rule) for error in errors}
