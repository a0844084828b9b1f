"""Every route as every role and as nobody, with one's own ids and with those of others."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from desk.database.base import utc_now
from desk.database.connection import Database
from desk.database.jobs import ScoringJob
from desk.database.scope import DESK
from desk.repositories.unit import unit_of_work
from tests.desk.conftest import PEOPLE
from tests.desk.served import Browser, ServedDesk

# For each route the status that each person gets. The ids are those of client 1, its user, and its manager 1: one's own
# to client-0001 and manager-01, somebody else's to client-0002 and manager-02.
ALL = ("nobody", "client-0001", "client-0002", "manager-01", "manager-02", "administrator-1")
ROUTES: dict[tuple[str, str], tuple[int, int, int, int, int, int]] = {
    ("GET", "/health"): (200, 200, 200, 200, 200, 200),
    ("GET", "/auth/me"): (401, 200, 200, 200, 200, 200),
    ("GET", "/users"): (401, 403, 403, 403, 403, 200),
    ("GET", "/users/{user_id}"): (401, 200, 404, 200, 404, 200),
    ("GET", "/clients"): (401, 403, 403, 200, 200, 200),
    ("GET", "/clients/{client_id}"): (401, 200, 404, 200, 404, 200),
    ("GET", "/clients/{client_id}/credit"): (401, 200, 404, 200, 404, 200),
    ("GET", "/clients/{client_id}/applications"): (401, 200, 404, 200, 404, 200),
    ("GET", "/managers"): (401, 403, 403, 403, 403, 200),
    ("GET", "/managers/{manager_id}"): (401, 200, 404, 200, 404, 200),
    ("GET", "/managers/{manager_id}/clients"): (401, 403, 403, 200, 404, 200),
    ("GET", "/applications"): (401, 403, 403, 200, 200, 200),
    ("GET", "/applications/{application_id}"): (401, 200, 404, 200, 404, 200),
    ("GET", "/scores/{request_id}"): (401, 202, 404, 202, 404, 202),
    ("GET", "/dashboard/client"): (401, 200, 200, 403, 403, 403),
    ("GET", "/dashboard/client/export"): (401, 200, 200, 403, 403, 403),
    ("GET", "/dashboard/manager"): (401, 403, 403, 200, 200, 403),
    ("GET", "/audit-log"): (401, 403, 403, 403, 403, 200),
    ("POST", "/clients/{client_id}/applications"): (401, 201, 404, 403, 403, 403),
    # The fields of what was sent are the manager's to edit, who gave none.
    ("PUT", "/applications/{application_id}"): (401, 409, 404, 422, 404, 403),
    ("POST", "/applications/{application_id}/notes"): (401, 403, 403, 201, 404, 403),
    ("POST", "/applications/{application_id}/document-requests"): (401, 403, 403, 201, 404, 403),
    # There is no score yet.
    ("POST", "/applications/{application_id}/verdicts"): (401, 403, 403, 409, 404, 403),
    ("POST", "/clients/{client_id}/score"): (401, 202, 404, 202, 404, 403),
    ("POST", "/applications/{application_id}/withdrawal"): (401, 200, 404, 403, 403, 403),
    ("POST", "/users"): (401, 403, 403, 403, 403, 201),
    ("PUT", "/clients/{client_id}/manager"): (401, 403, 403, 403, 403, 200),
    ("POST", "/auth/password"): (401, 422, 422, 422, 422, 422),
    # Five guesses are free.
    ("POST", "/auth/login"): (401, 401, 401, 401, 401, 429),
    # Their sessions end here; the administrator comes last.
    ("POST", "/managers/{manager_id}/dismissal"): (401, 403, 403, 403, 403, 200),
    ("POST", "/auth/logout"): (401, 204, 204, 401, 204, 204),
}
BODIES: dict[str, Any] = {
    "/clients/{client_id}/applications": {"scorecard": "card_approval", "fields": {}},
    "/applications/{application_id}": {"fields": {}, "version": 1},
    "/applications/{application_id}/notes": {"text": "called back"},
    "/applications/{application_id}/document-requests": {"document": "a proof of income"},
    "/applications/{application_id}/verdicts": {"score_id": 1, "choice": "approve", "reason_code": "as scored"},
    "/users": {"login": "new-one", "full_name": "New One", "role": "client"},
    "/clients/{client_id}/manager": {"manager_id": 2, "version": 1},
    "/auth/password": {"old": "another one", "new": "a new password"},
    "/auth/login": {"login": "client-0003", "password": "another one"},
}
REQUEST = UUID("00000000-0000-4000-8000-000000000001")
IDS = {"user_id": 33, "client_id": 1, "manager_id": 1, "application_id": 1, "request_id": REQUEST}
"""Client 1's user is the 33rd: two administrators and thirty managers come before."""


async def ask_for_a_score(address: str) -> None:
    database = Database(address)
    async with unit_of_work(database, DESK) as unit:
        # Nobody takes it up before an hour is over.
        later = utc_now() + timedelta(hours=1)
        await unit.scoring_jobs.add(
            ScoringJob(request_id=REQUEST, application_id=1, user_id=33, fields={}, due_at=later)
        )
    await database.close()


def test_every_route_answers_each_role_as_it_may(desk: ServedDesk) -> None:
    asyncio.run(ask_for_a_score(desk.database))
    people = {login: desk.browser(login) for login in PEOPLE} | {"nobody": desk.browser()}
    declared = {
        (method.upper(), path)
        for path, methods in people["nobody"].get("/openapi.json").json()["paths"].items()
        for method in methods
    }
    assert set(ROUTES) == declared
    # In this order: what is read is as it was before the changes.
    seen = {route: tuple(ask(people[login], *route).status_code for login in ALL) for route in ROUTES}
    assert seen == ROUTES


def ask(browser: Browser, method: str, path: str) -> Any:
    return browser.request(method, path.format(**IDS), json=BODIES.get(path) if method != "GET" else None)


@pytest.mark.parametrize("databases", ["sqlite"], indirect=True)
def test_the_answer_about_somebody_else_s_is_that_about_nobody_s(read_desk: ServedDesk) -> None:
    client, manager = read_desk.browser("client-0001"), read_desk.browser("manager-01")
    for browser in (client, manager):
        for path in ("/clients/{}", "/users/{}", "/managers/{}", "/clients/{}/credit", "/clients/{}/applications"):
            foreign, nobody_s = browser.get(path.format(2)), browser.get(path.format(999_999))
            assert (foreign.status_code, foreign.content) == (nobody_s.status_code, nobody_s.content), path
            assert foreign.status_code == 404


@pytest.mark.parametrize("databases", ["sqlite"], indirect=True)
def test_a_change_without_the_session_s_token_or_from_another_site_is_refused(desk: ServedDesk) -> None:
    browser, other = desk.browser("administrator-1"), desk.browser("administrator-2")
    body = BODIES["/users"]
    for headers in (
        {"X-CSRF-Token": ""},
        {"X-CSRF-Token": other.csrf_token},
        {"Origin": "https://elsewhere.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ):
        assert browser.post("/users", json=body, headers=headers).status_code == 403, headers
    assert browser.get("/users?search=new-one").json()["total"] == 0
    login = {"login": "client-0001", "password": "any"}
    assert desk.browser().post("/auth/login", json=login, headers={"Origin": "https://x.example"}).status_code == 403
    assert browser.post("/users", json=body, headers={"Origin": desk.address}).status_code == 201


@pytest.mark.parametrize("databases", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    ("method", "path", "body", "field"),
    [
        ("POST", "/users", {**BODIES["/users"], "password_hash": "x"}, "password_hash"),
        ("POST", "/users", {**BODIES["/users"], "role": "boss"}, "role"),
        ("POST", "/users", {**BODIES["/users"], "role": "manager", "manager_id": 1}, "manager_id"),
        ("POST", "/users", {**BODIES["/users"], "manager_id": 31}, "manager_id"),
        ("POST", "/users", {**BODIES["/users"], "manager_id": "1"}, "manager_id"),
        ("POST", "/users", {**BODIES["/users"], "login": "Client-0001"}, "login"),
        ("POST", "/users", {**BODIES["/users"], "login": "a b"}, "login"),
        ("POST", "/users", {**BODIES["/users"], "full_name": " "}, "full_name"),
        ("POST", "/users", {**BODIES["/users"], "full_name": "a\x00b"}, "full_name"),
        ("POST", "/users", [], "(body)"),
        ("PUT", "/clients/1/manager", {"manager_id": 2}, "version"),
        ("PUT", "/clients/1/manager", {"manager_id": 31, "version": 1}, "manager_id"),
        ("PUT", "/clients/1/manager", {"manager_id": 2, "version": 1, "role": "administrator"}, "role"),
        ("PUT", "/clients/0/manager", {"manager_id": 2, "version": 1}, "client_id"),
        ("POST", "/auth/password", {"old": "x", "new": "short"}, "new"),
        ("GET", "/clients?size=201", None, "size"),
        ("GET", "/clients?page=0", None, "page"),
        ("GET", "/clients?order=role", None, "order"),
        ("GET", "/clients?search=%00", None, "search"),
        ("GET", "/audit-log?since=yesterday", None, "since"),
        ("GET", "/audit-log?since=2026-12-01T00:00:00", None, "since"),
        ("GET", "/clients/99999999999999999999", None, "client_id"),
        ("GET", "/clients/one", None, "client_id"),
    ],
)
def test_a_request_that_breaks_a_rule_is_told_field_and_rule(
    read_desk: ServedDesk, method: str, path: str, body: Any, field: str
) -> None:
    answer = read_desk.browser("administrator-1").request(method, path, json=body)
    assert answer.status_code == 422
    assert answer.headers["Content-Type"] == "application/problem+json"
    problem = answer.json()
    assert [error["field"] for error in problem["errors"]] == [field]
    assert problem["detail"] == "1 rule is broken"


@pytest.mark.parametrize("databases", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    ("content", "status"),
    [(b"{", 422), (b'"\\ud800"', 422), (b"\xff", 400), (b"[" * 100_000, 400), (b"x" * 300_000, 413), (b"", 422)],
)
def test_a_body_that_is_no_json_is_refused(read_desk: ServedDesk, content: bytes, status: int) -> None:
    answer = read_desk.browser("administrator-1").post(
        "/users", content=content, headers={"Content-Type": "application/json"}
    )
    assert answer.status_code == status
    assert answer.headers["Content-Type"] == "application/problem+json"
