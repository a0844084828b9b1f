"""Clients apply at the desk, the service decides, managers look and judge: over real HTTP from end to end."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from desk.scoring.service import Service, ServiceAwayError
from tests.desk.other_service import Stub, running
from tests.desk.served import Browser, ServedDesk, serving
from tests.desk.small import small_desk
from tests.e2e.server import Server
from tests.serving.toy import SCORECARD
from tests.waiting import until

GOOD = {column: value for column, value in SCORECARD.example.items() if column not in SCORECARD.protected}
GOOD |= {"LIMIT_BAL": 500_000, **{f"PAY_{month}": -1 for month in (0, 2, 3, 4, 5, 6)}}
DECISION = {
    "scorecard": "card_default", "decision_id": str(UUID(int=1)), "pd": 0.1, "decision": "approve", "model": "m",
    "policy": "p", "cutoff": 0.25, "points": 600, "band": "A", "reasons": [],
}  # fmt: skip
LATE = {**GOOD, **{f"PAY_{month}": 8 for month in (0, 2, 3, 4, 5, 6)}}


@pytest.fixture
def address(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    return small_desk(tmp_path_factory, tmp_path)


@pytest.fixture
def desk(server: Server, address: str) -> Iterator[ServedDesk]:
    """A desk whose applications the shared server decides about."""
    with serving(address, card_default=server.url) as desk:
        yield desk


def apply(browser: Browser, fields: dict[str, Any], client_id: int = 1, *, send: bool = True) -> dict[str, Any]:
    body = {"scorecard": "card_default", "fields": fields, "send": send}
    answer = browser.post(f"/clients/{client_id}/applications", json=body)
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()["application"]
    assert answer.headers["Location"] == f"/applications/{found['id']}"
    return found


def decided(browser: Browser, application_id: int) -> dict[str, Any]:
    """The application's file once it is decided."""

    def file() -> dict[str, Any]:
        found: dict[str, Any] = browser.get(f"/applications/{application_id}").json()
        return found

    until(lambda: file()["application"]["status"] == "decided", file)
    return file()


def test_an_application_is_scored_as_soon_as_it_is_sent_and_the_score_is_the_service_s(
    desk: ServedDesk, server: Server
) -> None:
    browser = desk.browser("client-0001")
    sent = apply(browser, LATE)
    assert sent["status"] == "scoring"
    (score,) = decided(browser, sent["id"])["application"]["scores"]
    service = server.post("/predict", LATE).json()
    assert score["score"] == service["pd"]
    assert score["rating"] == round(1 - service["pd"], 2)
    assert score["decision"] == service["decision"] == "decline"
    for name in ("model", "policy", "band", "points", "cutoff", "reasons"):
        assert score[name] == service[name], name
    assert score["reasons"]


def test_a_draft_may_lack_fields_is_seen_by_its_client_alone_and_is_sent_when_it_is_whole(desk: ServedDesk) -> None:
    client, manager = desk.browser("client-0001"), desk.browser("manager-01")
    draft = apply(client, {"LIMIT_BAL": 20_000}, send=False)
    assert (draft["status"], draft["scores"]) == ("draft", [])
    path = f"/applications/{draft['id']}"
    assert manager.get(path).status_code == 404
    assert manager.get("/clients/1/applications").json() == []
    assert manager.get("/applications").json()["total"] == 0
    broken = client.put(path, json={"fields": {"LIMIT_BAL": -1}, "version": draft["version"]})
    assert [error["field"] for error in broken.json()["errors"]] == ["LIMIT_BAL"]
    missing = client.put(path, json={"fields": {"LIMIT_BAL": 1_000}, "version": draft["version"], "send": True})
    assert missing.status_code == 422
    assert {error["rule"] for error in missing.json()["errors"]} == {"missing"}
    assert client.get(path).json()["application"] == draft
    other = apply(client, {"LIMIT_BAL": 20_000}, send=False)
    assert client.post(f"/applications/{other['id']}/withdrawal").status_code == 200
    # Nobody but the client has ever seen it.
    assert manager.get(f"/applications/{other['id']}").status_code == 404
    sent = client.put(path, json={"fields": GOOD, "version": draft["version"], "send": True}).json()["application"]
    assert sent["status"] == "scoring"
    assert sent["submitted_at"] is not None
    assert decided(manager, draft["id"])["application"]["fields"] == GOOD
    again = client.put(path, json={"fields": GOOD, "version": sent["version"] + 1})
    assert (again.status_code, again.json()["detail"]) == (409, "an application that was sent is edited by the manager")


def test_an_application_that_breaks_a_rule_is_told_field_and_rule_and_nothing_is_kept(desk: ServedDesk) -> None:
    browser = desk.browser("client-0001")
    fields: dict[str, Any]
    for scorecard, fields, more, field in (
        ("card_approval", {}, {}, "scorecard"),
        ("nothing", {}, {}, "scorecard"),
        ("card_default", {"TARGET": 1}, {}, "TARGET"),
        ("card_default", {"LIMIT_BAL": "many"}, {}, "LIMIT_BAL"),
        ("card_default", {"LIMIT_BAL": 1e400}, {}, "LIMIT_BAL"),
        ("card_default", {f"F{number}": 1 for number in range(501)}, {}, "fields"),
        ("card_default", {}, {"status": "decided"}, "status"),
        ("card_default", {}, {"manager_id": 2}, "manager_id"),
    ):
        body = json.dumps({"scorecard": scorecard, "fields": fields, **more})
        answer = browser.post("/clients/1/applications", content=body, headers={"Content-Type": "application/json"})
        assert answer.status_code == 422, body
        assert [error["field"] for error in answer.json()["errors"]][:1] == [field]
    assert browser.get("/clients/1/applications").json() == []


def test_a_manager_edits_what_was_sent_and_it_is_scored_anew_but_not_over_another_s_change(desk: ServedDesk) -> None:
    client, manager = desk.browser("client-0001"), desk.browser("manager-01")
    sent = apply(client, GOOD)
    before = decided(manager, sent["id"])["application"]
    path = f"/applications/{sent['id']}"
    assert manager.put(path, json={"fields": LATE, "version": before["version"]}).status_code == 200
    after = decided(manager, sent["id"])["application"]
    assert [score["decision"] for score in after["scores"]] == ["decline", "approve"]
    stale = manager.put(path, json={"fields": GOOD, "version": before["version"]})
    assert stale.status_code == 409
    assert f"its version is {after['version']}" in stale.json()["detail"]
    assert manager.get(path).json()["application"] == after
    log = desk.browser("administrator-1").get("/audit-log?action=edit application").json()["rows"]
    assert log[0]["details"]["changed"] == sorted(name for name in GOOD if GOOD[name] != LATE[name])


def test_what_the_law_protects_is_the_client_s_and_no_manager_sees_or_changes_it(desk: ServedDesk) -> None:
    client, manager = desk.browser("client-0001"), desk.browser("manager-01")
    protected = {"SEX": 2, "AGE": 40}
    path = f"/applications/{apply(client, {**GOOD, **protected})['id']}"
    application = decided(client, int(path.rpartition("/")[2]))["application"]
    assert application["fields"] == {**GOOD, **protected}
    for seen in (manager.get(path).json()["application"], manager.get("/clients/1/applications").json()[0]):
        assert seen["fields"] == GOOD
    page = manager.get(f"/queue{path}").text
    assert "Credit limit" in page
    assert "Marital status" not in page
    assert "Age" not in manager.get(f"/queue{path}/edit").text
    manager.put(path, json={"fields": {**LATE, "AGE": 70}, "version": application["version"]})
    application = decided(client, application["id"])["application"]
    assert application["fields"] == {**LATE, **protected}


def test_verdicts_against_the_score_are_overrides_and_need_a_reason_and_a_note(desk: ServedDesk) -> None:
    client, manager = desk.browser("client-0001"), desk.browser("manager-01")
    sent = apply(client, LATE)
    score_id = decided(manager, sent["id"])["application"]["scores"][0]["id"]
    path = f"/applications/{sent['id']}/verdicts"
    verdict = {"score_id": score_id, "choice": "approve", "reason_code": "as scored", "note": ""}
    for change, field in (
        ({}, "reason_code"),
        ({"reason_code": "collateral"}, "note"),
        ({"reason_code": "because"}, "reason_code"),
        ({"choice": "refuse"}, "choice"),
        ({"is_override": False}, "is_override"),
        ({"reason_code": "collateral", "note": "a\x00b"}, "note"),
    ):
        refused = manager.post(path, json={**verdict, **change})
        assert [error["field"] for error in refused.json()["errors"]] == [field]
    given = manager.post(path, json={**verdict, "reason_code": "collateral", "note": "<b>a house</b>"}).json()
    assert given["is_override"] is True
    agreed = manager.post(path, json={**verdict, "choice": "decline"}).json()
    assert agreed["is_override"] is False
    asked = manager.post(path, json={**verdict, "choice": "ask for more", "reason_code": "documents missing"}).json()
    assert asked["is_override"] is False
    seen = client.get(f"/applications/{sent['id']}").json()
    taken_away = client.get("/dashboard/client/export").json()
    assert taken_away == {"dashboard": client.get("/dashboard/client").json(), "applications": [seen]}
    assert [one["choice"] for one in seen["verdicts"]] == ["ask for more", "decline", "approve"]
    # The manager saw a score that is not the latest one any more.
    assert manager.post("/clients/1/score", headers={"Prefer": "wait=30"}).status_code == 200
    stale = manager.post(path, json={**verdict, "choice": "decline"})
    assert (stale.status_code, "newer score" in stale.json()["detail"]) == (409, True)


def test_notes_are_the_staff_s_and_requests_for_documents_the_client_s_too(desk: ServedDesk) -> None:
    client, manager = desk.browser("client-0001"), desk.browser("manager-01")
    path = f"/applications/{apply(client, GOOD)['id']}"
    assert manager.post(f"{path}/notes", json={"text": "called back"}).status_code == 201
    assert manager.post(f"{path}/document-requests", json={"document": "a proof of income"}).status_code == 201
    assert manager.post(f"{path}/notes", json={"text": "  "}).status_code == 422
    of_manager, of_client = manager.get(path).json(), client.get(path).json()
    assert [note["text"] for note in of_manager["notes"]] == ["called back"]
    assert of_client["notes"] == []
    assert [one["document"] for one in of_client["document_requests"]] == ["a proof of income"]


def test_the_latest_application_is_decided_anew_on_request_of_the_client_or_the_manager(desk: ServedDesk) -> None:
    client, manager = desk.browser("client-0001"), desk.browser("manager-01")
    assert client.post("/clients/1/score").status_code == 409
    sent = apply(client, GOOD)
    decided(client, sent["id"])
    waited = client.post("/clients/1/score", headers={"Prefer": "respond-async, wait=30"})
    assert waited.status_code == 200
    place = waited.headers["Location"]
    assert client.get(place).json() == manager.get(place).json() == waited.json()
    assert waited.json()["request_id"] == place.rpartition("/")[2]
    at_once = manager.post("/clients/1/score")
    assert at_once.status_code == 202
    assert manager.get(at_once.headers["Location"], headers={"Prefer": "wait=30"}).status_code == 200
    assert len(client.get(f"/applications/{sent['id']}").json()["application"]["scores"]) == 3
    assert client.post(f"/applications/{sent['id']}/withdrawal").json()["application"]["status"] == "withdrawn"
    assert client.post(f"/applications/{sent['id']}/withdrawal").status_code == 409
    assert client.post("/clients/1/score").status_code == 409
    assert client.get(f"/scores/{uuid4()}").status_code == 404
    assert desk.browser("client-0003").get(place).status_code == 404
    dashboard = client.get("/dashboard/client").json()
    assert dashboard["applications"][0]["scores"][0] == manager.get(at_once.headers["Location"]).json()
    assert manager.get("/dashboard/manager").json()["applications"] == {"withdrawn": 1}


def test_requests_wait_while_the_service_is_away_and_are_decided_once_when_it_is_back(
    server: Server, address: str
) -> None:
    with serving(address, card_default="http://127.0.0.1:9") as desk:
        client = desk.browser("client-0001")
        sent = apply(client, GOOD)
        asked = client.post("/clients/1/score")
        assert asked.status_code == 202
        # The same request, which is under way already.
        assert client.post("/clients/1/score").headers["Location"] == asked.headers["Location"]
        edit = desk.browser("manager-01").put(
            f"/applications/{sent['id']}", json={"fields": GOOD, "version": sent["version"]}
        )
        assert (edit.status_code, "is being scored" in edit.json()["detail"]) == (409, True)
    with serving(address, card_default=server.url) as desk:
        client = desk.browser("client-0001")
        assert len(decided(client, sent["id"])["application"]["scores"]) == 1


@pytest.mark.parametrize(
    "answer",
    [
        (500, b"{}"),
        (200, b"[]"),
        (200, b"no json"),
        (200, b'{"scorecard": "german_credit"}'),
        (200, b'{"scorecard": "card_default", "pd": 0.1}'),
        (422, b"{}"),
        (302, b""),
        (200, json.dumps({**DECISION, "pd": 1.5}).encode()),
        (200, json.dumps({**DECISION, "band": "E" * 33}).encode()),
    ],
)
def test_what_is_no_decision_of_the_scorecard_is_none(answer: tuple[int, bytes]) -> None:
    async def ask(url: str) -> None:
        service = Service(url, "card_default")
        try:
            await service.decide(uuid4(), GOOD)
        finally:
            await service.close()

    with running(Stub(*answer)) as stub, pytest.raises(ServiceAwayError):
        asyncio.run(ask(stub.url))


def test_a_request_is_sent_again_under_its_own_key_until_it_is_decided(server: Server, address: str) -> None:
    with running(Stub(500, b"{}")) as stub, serving(address, card_default=stub.url) as desk:
        sent = apply(desk.browser("client-0001"), GOOD)
        until(lambda: stub.asked >= 2)
    with serving(address, card_default=server.url) as desk:
        (score,) = decided(desk.browser("client-0001"), sent["id"])["application"]["scores"]
    assert stub.keys == {score["request_id"]}


def test_an_application_that_the_service_refuses_is_told_with_its_rules(address: str) -> None:
    """The service of another version may have a stricter contract than the desk."""
    rule = {"field": "LIMIT_BAL", "rule": "multiple_of", "message": "Input should be a multiple of 7"}
    with (
        running(Stub(422, json.dumps({"errors": [rule]}).encode())) as stub,
        serving(address, card_default=stub.url) as desk,
    ):
        client = desk.browser("client-0001")
        sent = apply(client, GOOD)
        asked = client.post("/clients/1/score", headers={"Prefer": "wait=30"})
        assert asked.status_code == 422
        assert asked.json()["errors"] == [rule]
        assert client.get(f"/applications/{sent['id']}").json()["application"]["status"] == "submitted"
