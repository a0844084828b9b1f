"""Nothing that a caller sends makes a fault of the desk, on its API or its pages."""

from __future__ import annotations

from typing import Any

import pytest

from tests.desk.served import ServedDesk

pytestmark = pytest.mark.parametrize("databases", ["sqlite"], indirect=True)
HTML = {"Accept": "text/html"}
JSON = {"Content-Type": "application/json"}
FORM = {**HTML, "Content-Type": "application/x-www-form-urlencoded"}
APPLY = "/my/apply/card_approval"


@pytest.mark.parametrize(
    "fields",
    [
        b'{"AMT_INCOME_TOTAL": 1' + b"0" * 400 + b"}",
        b'{"AMT_INCOME_TOTAL": NaN}',
        b'{"AMT_INCOME_TOTAL": Infinity}',
        b'{"AMT_INCOME_TOTAL": true}',
        b'{"OCCUPATION_TYPE": "\\ud800"}',
        b'{"OCCUPATION_TYPE": "a\\u0000b"}',
        b'{"\\ud800": 1}',
        b'{"\\u0000": 1}',
        b'{"": 1}',
        b'{"CNT_CHILDREN": {"$ne": 1}}',
        b'{"CNT_CHILDREN": ' + b"[" * 500 + b"]" * 500 + b"}",
    ],
)
def test_fields_that_are_none_are_refused(read_desk: ServedDesk, fields: bytes) -> None:
    body = b'{"scorecard": "card_approval", "fields": ' + fields + b"}"
    answer = read_desk.browser("client-0001").post("/clients/1/applications", content=body, headers=JSON)
    assert answer.status_code == 422
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json()["errors"]


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/audit-log?since=0001-01-01T00:00:00Z", 200),
        ("/audit-log?until=9999-12-31T23:59:59Z", 200),
        ("/audit-log?since=0001-01-01T00:00:00%2B14:00", 422),
        ("/audit-log?until=9999-12-31T23:59:59-12:00", 422),
        ("/audit-log?since=1e300", 422),
        ("/audit-log?login=%00", 422),
        ("/scores/none", 422),
        ("/static/..%2fapp.py", 404),
        ("/clients?search=%ff", 200),
        ("/office/clients?search=%00", 422),
        ("/office/clients?page=99999999999999999999", 422),
    ],
)
def test_odd_addresses_are_answered(read_desk: ServedDesk, path: str, status: int) -> None:
    assert read_desk.browser("administrator-1").get(path).status_code == status


@pytest.mark.parametrize(
    ("options", "status"),
    [
        ({"content": b"x" * 300_000, "headers": FORM}, 413),
        ({"content": b"csrf_token=%ff%fe&a=%ed%a0%80", "headers": FORM}, 403),
        ({"content": b"--x", "headers": {**HTML, "Content-Type": "multipart/form-data; boundary=x"}}, 403),
        ({"content": b"--x", "headers": {**HTML, "Content-Type": "multipart/form-data"}}, 400),
        ({"files": {"file": ("f.txt", b"x")}, "headers": HTML}, 400),
        ({"data": {f"f{number}": "1" for number in range(2_000)}, "headers": HTML}, 400),
        ({"json": {"csrf_token": "x"}, "headers": HTML}, 403),
    ],
)
def test_odd_forms_are_refused_by_a_page(read_desk: ServedDesk, options: dict[str, Any], status: int) -> None:
    answer = read_desk.browser("client-0001").post(APPLY, **options)
    assert answer.status_code == status
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"


@pytest.mark.parametrize(
    ("texts", "said"),
    [
        ({"AMT_INCOME_TOTAL": "1e999"}, "finite"),
        ({"AMT_INCOME_TOTAL": "nan"}, "A number is needed"),
        ({"AMT_INCOME_TOTAL": "much"}, "A number is needed"),
        ({"CNT_CHILDREN": "9" * 5_000}, "A whole number is needed"),
        ({"CNT_CHILDREN": "1.5"}, "A whole number is needed"),
        ({"CNT_CHILDREN": "-1"}, "greater than or equal to 0"),
        ({"DAYS_EMPLOYED": "5"}, "Input should be"),
    ],
)
def test_a_field_that_is_not_right_is_told_on_the_form_with_what_was_typed(
    read_desk: ServedDesk, texts: dict[str, str], said: str
) -> None:
    browser = read_desk.browser("client-0001")
    answer = browser.post(APPLY, data={"csrf_token": browser.csrf_token, **texts}, headers=HTML)
    assert answer.status_code == 422
    assert "1 field is" in answer.text
    assert said in answer.text
    (value,) = texts.values()
    assert value in answer.text


def test_a_choice_that_is_none_is_told_on_the_form(read_desk: ServedDesk) -> None:
    browser = read_desk.browser("client-0001")
    data = {"csrf_token": browser.csrf_token, "NAME_INCOME_TYPE": "Pirate"}
    answer = browser.post(APPLY, data=data, headers=HTML)
    assert answer.status_code == 422
    assert "1 field is" in answer.text


@pytest.mark.parametrize("number", ["", "x", "-1", "9" * 5_000, "\u0663"])
def test_numbers_of_hidden_fields_that_are_none_are_refused(read_desk: ServedDesk, number: str) -> None:
    administrator, manager = read_desk.browser("administrator-1"), read_desk.browser("manager-01")
    data = {"csrf_token": administrator.csrf_token, "manager_id": "2", "version": number}
    assert administrator.post("/office/clients/1/manager", data=data, headers=HTML).status_code == 409
    verdict = {"csrf_token": manager.csrf_token, "choice": "approve", "reason_code": "as scored", "score_id": number}
    assert manager.post("/queue/applications/1/verdicts", data=verdict, headers=HTML).status_code == 409


@pytest.mark.parametrize("login", ["\x00", "a" * 65, "ÿ"])
def test_odd_logins_open_nothing(read_desk: ServedDesk, login: str) -> None:
    data = {"login": login, "password": "x" * 12}
    assert read_desk.browser().post("/login", data=data, headers=HTML).status_code in {401, 422}
    assert read_desk.browser().post("/auth/login", json=data).status_code in {401, 422}
