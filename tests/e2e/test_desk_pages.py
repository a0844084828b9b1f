"""The desk in a real browser: each role's main flow, without a script, readable to everybody."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.desk.conftest import PASSWORD
from tests.desk.served import ServedDesk, serving
from tests.desk.small import small_desk
from tests.e2e.browser import visiting
from tests.e2e.server import Server
from tests.e2e.test_desk import GOOD, LATE
from tests.waiting import LONGEST_WAIT, until

AXE = (files("axe_playwright_python") / "axe.min.js").read_text()
WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
RULES = {"runOnly": {"type": "tag", "values": WCAG}}
SCREENSHOTS = os.environ.get("DESK_SCREENSHOTS", "")
"""A folder that gets a picture of every page that axe looks at; none if it is empty."""
slow = pytest.mark.slow
STORED_SCRIPT = "<script>document.title='taken'</script><img src=x onerror=\"document.title='taken'\">"


@pytest.fixture
def desk(server: Server, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedDesk]:
    """A small desk whose applications the shared server decides about."""
    with serving(small_desk(tmp_path_factory, tmp_path), card_default=server.url) as desk:
        yield desk


def log_in(page: Page, login: str) -> None:
    page.goto("/login")
    page.get_by_label("Login").fill(login)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()


def fill_in(page: Page, fields: dict[str, Any]) -> None:
    for name, value in fields.items():
        field = page.locator(f"#field-{name}")
        if field.evaluate("element => element.tagName") == "SELECT":
            field.select_option(str(value))
        else:
            field.fill(str(value))


def apply(page: Page, fields: dict[str, Any], *, script: bool = True) -> None:
    """Send an application as the client who is logged in, and wait until it is decided."""
    page.goto("/my")
    page.get_by_role("link", name=re.compile("^Apply")).click()
    fill_in(page, fields)
    page.get_by_role("button", name="Send").click()

    page.wait_for_url("**/my/applications/*")
    heading = page.get_by_role("heading", name=re.compile("^Decision"))
    if script:
        expect(heading).to_be_visible(timeout=LONGEST_WAIT * 1000)
        return

    def is_decided() -> bool:
        if not heading.is_visible():
            page.goto(page.url)
        return heading.is_visible()

    until(is_decided, page.content)


def check(page: Page, name: str) -> None:
    """Let axe look at the page, and take a picture of it."""
    if SCREENSHOTS:
        page.screenshot(path=f"{SCREENSHOTS}/{name}.png", full_page=True)
    page.evaluate(AXE)
    found = page.evaluate("rules => axe.run(document, rules)", RULES)
    seen = [(one["id"], [node["html"][:200] for node in one["nodes"]][:3]) for one in found["violations"]]
    assert seen == [], name


@slow
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_client_applies_a_manager_decides_against_the_score_and_an_administrator_sees_it(
    browser: Browser, desk: ServedDesk, scheme: str
) -> None:
    options: dict[str, Any] = {"color_scheme": scheme, "bypass_csp": True}
    with visiting(browser, desk.address, **options) as visit:
        page = visit.page
        page.goto("/")
        check(page, f"login-{scheme}")
        log_in(page, "client-0001")
        expect(page.get_by_role("heading", level=1)).to_have_text("The client-0001")
        check(page, f"client-empty-{scheme}")
        page.get_by_role("link", name=re.compile("^Apply")).click()
        page.get_by_role("button", name="Send").click()
        expect(page.get_by_role("alert")).to_contain_text("fields are not right yet")
        check(page, f"apply-errors-{scheme}")
        apply(page, LATE)
        expect(page.get_by_role("heading", name="Decision declined")).to_be_visible()
        check(page, f"client-application-{scheme}")
        page.goto("/my")
        check(page, f"client-home-{scheme}")
        page.get_by_role("button", name="Log out").click()
        expect(page).to_have_url(f"{desk.address}/login")

        log_in(page, "manager-01")
        check(page, f"queue-{scheme}")
        page.get_by_role("link", name="The client-0001").click()
        check(page, f"manager-application-{scheme}")
        page.get_by_role("radio", name="Approve").check()
        page.get_by_role("button", name="Give the verdict").click()
        expect(page.get_by_role("alert")).to_contain_text("needs its own reason")
        expect(page.get_by_role("radio", name="Approve")).to_be_checked()
        page.get_by_label("Reason").select_option("collateral")
        page.get_by_label("Note", exact=True).fill("A house without debts.")
        page.get_by_role("button", name="Give the verdict").click()
        expect(page.get_by_text("against the score", exact=True)).to_be_visible()
        page.get_by_label("Ask the client for").fill("The deed of the house")
        page.get_by_role("button", name="Ask", exact=True).click()
        page.get_by_label("New note").fill("Called back.")
        page.get_by_role("button", name="Keep the note").click()
        check(page, f"manager-decided-{scheme}")
        page.get_by_role("link", name="Edit, and score anew").click()
        check(page, f"manager-edit-{scheme}")
        page.get_by_role("button", name="Log out").click()

        log_in(page, "administrator-1")
        row = page.get_by_role("row", name=re.compile("The manager-01 manager-01 1 1 100"))
        expect(row).to_be_visible()
        check(page, f"managers-{scheme}")
        page.get_by_role("link", name="Audit log").click()
        page.get_by_label("Action").fill("give verdict")
        page.get_by_role("button", name="Show").click()
        expect(page.get_by_role("row", name=re.compile("manager-01 give verdict.*override: True"))).to_be_visible()
        check(page, f"audit-log-{scheme}")
        page.get_by_role("link", name="Clients").click()
        check(page, f"clients-{scheme}")
    assert visit.hosts == {desk.address.removeprefix("http://")}
    assert [one for one in visit.complaints if "status of 4" not in one] == []


@slow
def test_the_main_flows_work_without_a_script_and_on_a_phone(browser: Browser, desk: ServedDesk) -> None:
    options: dict[str, Any] = {"java_script_enabled": False, "viewport": {"width": 360, "height": 740}}
    with visiting(browser, desk.address, **options) as visit:
        page = visit.page
        log_in(page, "client-0001")
        apply(page, GOOD, script=False)
        expect(page.get_by_role("heading", name="Decision approved")).to_be_visible()
        page.get_by_role("button", name="Log out").click()
        log_in(page, "manager-01")
        page.get_by_role("link", name="The client-0001").click()
        page.get_by_role("radio", name="Approve").check()
        page.get_by_role("button", name="Give the verdict").click()
        expect(page.get_by_text("Approve: as scored")).to_be_visible()


@slow
def test_the_page_shows_the_decision_as_soon_as_it_is_there(browser: Browser, desk: ServedDesk) -> None:
    with visiting(browser, desk.address) as visit:
        page = visit.page
        log_in(page, "client-0001")
        page.get_by_role("link", name=re.compile("^Apply")).click()
        fill_in(page, GOOD)
        page.get_by_role("button", name="Send").click()
        expect(page.get_by_role("heading", name="Decision approved")).to_be_visible(timeout=LONGEST_WAIT * 1000)
    assert visit.complaints == []


@slow
def test_no_page_is_wider_than_a_phone(browser: Browser, desk: ServedDesk) -> None:
    with visiting(browser, desk.address, viewport={"width": 360, "height": 740}) as visit:
        page = visit.page
        log_in(page, "client-0001")
        apply(page, GOOD)
        addresses = {
            "client-0001": ("/login", "/my", "/my/apply/card_default", "/my/applications/1"),
            "manager-01": ("/queue", "/queue/applications/1", "/queue/applications/1/edit"),
            "administrator-1": ("/office", "/office/clients", "/office/audit-log", "/nothing"),
        }
        for login, paths in addresses.items():
            log_in(page, login)
            for path in paths:
                page.goto(path)
                assert page.evaluate("document.documentElement.scrollWidth") <= 360, path


@slow
def test_a_dismissed_manager_s_clients_are_assigned_to_another_one(browser: Browser, desk: ServedDesk) -> None:
    with visiting(browser, desk.address) as visit:
        page = visit.page
        log_in(page, "administrator-1")
        page.locator("summary", has_text="Dismiss").first.click()
        page.get_by_role("button", name="Dismiss The manager-01").click()
        expect(page).to_have_url(re.compile("unassigned=true"))
        expect(page.get_by_text("2 in all")).to_be_visible()
        page.get_by_label("Manager of The client-0001").select_option(label="The manager-02 (manager-02)")
        page.get_by_role("button", name="Assign The client-0001").click()
        expect(page.get_by_text("1 in all")).to_be_visible()
        page.goto("/office")
        expect(page.get_by_role("link", name="1 clients are nobody's")).to_be_visible()
        page.get_by_role("button", name="Log out").click()
        log_in(page, "manager-02")
        expect(page.get_by_text("No application fits these filters.")).to_be_visible()


@slow
def test_a_script_in_a_text_stays_a_text(browser: Browser, desk: ServedDesk) -> None:
    client, manager = desk.browser("client-0001"), desk.browser("manager-01")
    body = {"scorecard": "card_default", "fields": LATE, "send": True}
    sent = client.post("/clients/1/applications", json=body).json()["application"]
    path = f"/applications/{sent['id']}"
    until(lambda: bool(client.get(path).json()["application"]["scores"]))
    score_id = client.get(path).json()["application"]["scores"][0]["id"]
    verdict = {"score_id": score_id, "choice": "approve", "reason_code": "collateral", "note": STORED_SCRIPT}
    assert manager.post(f"{path}/verdicts", json=verdict).status_code == 201
    assert manager.post(f"{path}/notes", json={"text": STORED_SCRIPT}).status_code == 201
    assert manager.post(f"{path}/document-requests", json={"document": STORED_SCRIPT}).status_code == 201
    administrator = desk.browser("administrator-1")
    user = {"login": "scripted", "full_name": STORED_SCRIPT, "role": "client", "manager_id": 1}
    assert administrator.post("/users", json=user).status_code == 201
    with visiting(browser, desk.address, bypass_csp=True) as visit:
        page = visit.page
        for login, paths in {
            "manager-01": (f"/queue{path}", "/queue?search=%3Cscript%3E"),
            "client-0001": (f"/my{path}", "/my"),
            "administrator-1": ("/office", "/office/clients", "/office/audit-log"),
        }.items():
            log_in(page, login)
            for address in paths:
                page.goto(address)
                assert page.title().endswith("Scorebox desk"), address
                assert page.locator("img[src='x']").count() == 0, address


@slow
def test_of_two_who_edit_an_application_the_second_is_told_and_loses_nothing(
    browser: Browser, desk: ServedDesk
) -> None:
    with visiting(browser, desk.address) as visit:
        page = visit.page
        log_in(page, "client-0001")
        page.get_by_role("link", name=re.compile("^Apply")).click()
        fill_in(page, {"LIMIT_BAL": 20_000})
        page.get_by_role("button", name="Keep as a draft").click()
        fill_in(page, {"LIMIT_BAL": 30_000})
        version = int(page.locator("input[name=version]").input_value())
        body = {"fields": {"LIMIT_BAL": 40_000}, "version": version}
        assert desk.browser("client-0001").put("/applications/1", json=body).status_code == 200
        page.get_by_role("button", name="Keep as a draft").click()
        expect(page.get_by_role("alert")).to_contain_text("Somebody else changed this application meanwhile")
        expect(page.locator("#field-LIMIT_BAL")).to_have_value("30000")
        assert desk.browser("client-0001").get("/applications/1").json()["application"]["fields"] == {
            "LIMIT_BAL": 40_000
        }


def test_pages_answer_who_may_not_see_them_and_what_is_not_there(desk: ServedDesk) -> None:
    html = {"Accept": "text/html"}
    nobody, client, manager = desk.browser(), desk.browser("client-0001"), desk.browser("manager-01")
    for path in ("/my", "/queue", "/office", "/my/applications/1"):
        answer = nobody.get(path, headers=html)
        assert (answer.status_code, answer.headers["Location"]) == (303, "/login")
    for browser, path, status in (
        (client, "/queue", 403),
        (client, "/office", 403),
        (manager, "/my", 403),
        (manager, "/queue/applications/1", 404),
        (client, "/my/applications/999", 404),
        (client, "/my/applications/one", 422),
        (client, "/my/apply/german_credit", 404),
        (manager, "/queue?order=role", 422),
        (manager, "/queue?page=1000000", 200),
        (client, "/nothing", 404),
    ):
        answer = browser.get(path, headers=html)
        assert answer.status_code == status, path
        assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    for path in ("/logout", "/my/apply/card_default"):
        for token in ({}, {"csrf_token": "x"}, {"csrf_token": manager.csrf_token}):
            assert client.post(path, data=token, headers=html).status_code == 403
    assert client.get("/auth/me").status_code == 200
