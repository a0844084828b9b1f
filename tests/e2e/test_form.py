"""The form of an application at a real server, filled in by a real browser."""

from __future__ import annotations

import json
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from scoring.journal.reader import JournalReader
from tests.e2e.browser import Visit, visiting
from tests.e2e.server import Server
from tests.serving.toy import SCORECARD
from tests.waiting import LONGEST_WAIT

pytestmark = pytest.mark.slow
expect.set_options(timeout=LONGEST_WAIT * 1000)

NEAR = dict(SCORECARD.example) | {"PAY_0": 1, "PAY_2": 1, "PAY_6": 0}
"""An application that is declined, and would be approved with another status of last month."""
PHONE = {"viewport": {"width": 320, "height": 640}}
AXE = (files("axe_playwright_python") / "axe.min.js").read_text()
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}


@pytest.fixture
def page(visit: Visit) -> Iterator[Page]:
    """The form, of which the browser has nothing to complain."""
    visit.page.goto("/")
    yield visit.page
    assert visit.complaints == []


def put(page: Page, **values: object) -> None:
    for name, value in values.items():
        field = page.locator(f'[data-name="{name}"]')
        select = field.locator("select")
        if select.count():
            select.select_option(str(value))
        else:
            field.locator("input").first.fill(str(value))


def decide(page: Page) -> None:
    page.get_by_role("button", name="Decide", exact=True).click()


def decided(page: Page) -> str:
    """Return the id of the decision that is shown."""
    expect(page.locator(".record")).to_be_visible()
    return page.locator(".record dd").first.inner_text()


def put_near(page: Page) -> None:
    put(page, PAY_0=1, PAY_2=1, PAY_6=0)


def test_the_example_is_decided_as_a_request_would_be_and_kept(server: Server, page: Page) -> None:
    page.get_by_label("Applicant").fill("client-of-the-form")
    decide(page)
    name = decided(page)
    (kept,) = [one for one in JournalReader(server.output.parent / "journal").decisions() if one.decision_id == name]
    same = server.post("/predict", dict(SCORECARD.example)).json()
    assert (float(kept.pd), kept.applicant) == (same["pd"], "client-of-the-form")
    expect(page.locator(".badge")).to_have_text("Declined")
    assert page.locator(".reasons li").all_inner_texts() == [reason["sentence"] for reason in same["reasons"]]
    assert page.locator(".figures dd").all_inner_texts() == [str(same["points"]), same["band"], "25\N{NO-BREAK SPACE}%"]
    expect(page.get_by_role("img", name="Probability of default 49 %, cut-off 25 %")).to_be_visible()
    expect(page.get_by_role("status")).to_have_text("Declined. Probability of default 49 %, cut-off 25 %.")


def test_what_would_have_been_approved_is_put_into_the_form_and_decided(server: Server, page: Page) -> None:
    put_near(page)
    decide(page)
    before = decided(page)
    change = server.post("/explain", NEAR).json()["counterfactual"]["changes"]
    assert [(one["field"], one["to"]) for one in change] == [("PAY_0", -1)]
    expect(page.locator(".panel", has_text="What would have been approved")).to_contain_text("Paid in full")
    page.get_by_role("button", name="Put these into the form").click()
    expect(page.locator(".badge")).to_have_text("Approve")
    expect(page.get_by_text("What if: nothing is kept")).to_be_visible()
    shown = page.locator(".panel", has_text="The difference")
    expect(shown).to_contain_text("Payment last month")
    expect(shown).to_contain_text("1 month late")
    expect(page.locator(".field.changed")).to_have_count(1)
    decide(page)
    expect(page.locator(".badge")).to_have_text("Approved")
    assert decided(page) != before


def test_a_what_if_shows_the_difference_keeps_nothing_and_can_be_taken_back(server: Server, page: Page) -> None:
    put_near(page)
    decide(page)
    name = decided(page)
    count = sum(1 for _ in JournalReader(server.output.parent / "journal").decisions())
    put(page, LIMIT_BAL=500_000)
    shown = page.locator(".panel", has_text="The difference")
    expect(shown).to_contain_text("Credit limit")
    now = server.post("/explain", NEAR | {"LIMIT_BAL": 500_000}).json()
    assert shown.locator("tbody tr").nth(1).locator("td").nth(1).inner_text() == str(now["points"])
    page.get_by_role("button", name="Back to what was decided").click()
    assert decided(page) == name
    assert page.locator('[data-name="LIMIT_BAL"] input').input_value() == "120000"
    assert sum(1 for _ in JournalReader(server.output.parent / "journal").decisions()) == count


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("LIMIT_BAL", "", "This is needed."),
        ("LIMIT_BAL", "much", "Write a number, such as 1234.5."),
        ("LIMIT_BAL", "1,000", "Write a number, such as 1234.5."),
        ("LIMIT_BAL", "NaN", "Write a number, such as 1234.5."),
        ("LIMIT_BAL", "0", "It must be from 1 to 10,000,000."),
        ("AGE", "26.5", "Write a whole number, such as 12."),
        ("AGE", "17", "It must be from 18 to 120."),
        ("EDUCATION", "", "Choose one."),
    ],
)
def test_a_broken_rule_is_told_at_its_field_before_anything_is_sent(
    page: Page, name: str, value: str, message: str
) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if request.method == "POST" else None)
    put(page, **{name: value})
    decide(page)
    field = page.locator(f'[data-name="{name}"]')
    expect(field.locator(".error")).to_have_text(message)
    control = field.locator("select, input").first
    expect(control).to_have_attribute("aria-invalid", "true")
    summary = page.get_by_role("alert")
    expect(summary).to_be_focused()
    summary.get_by_role("link").click()
    expect(control).to_be_focused()
    assert asked == []


def test_what_the_service_refuses_is_told_at_its_field(visit: Visit) -> None:
    """The rules of the page are of the contract that it was made from; a server may have another by now."""
    page = visit.page
    page.goto("/")
    page.evaluate("""() => {document.querySelector('[data-name="LIMIT_BAL"]').dataset.maximum = "1e12"}""")
    put(page, LIMIT_BAL=1e11)
    decide(page)
    field = page.locator('[data-name="LIMIT_BAL"]')
    expect(field.locator(".error")).to_have_text("Input should be less than or equal to 10000000")
    expect(page.locator(".panel.refused")).to_contain_text("1 rule is broken.")


def test_a_press_without_an_answer_is_decided_once_when_it_is_sent_again(server: Server, visit: Visit) -> None:
    page = visit.page
    page.goto("/")
    keys: list[str] = []

    def lose(route: Route) -> None:
        keys.append(route.request.headers["idempotency-key"])
        if len(keys) == 1:
            route.fetch()  # it reaches the service, and the answer is lost
            route.abort()
        else:
            route.continue_()

    page.route("**/predict", lose)
    page.get_by_label("Applicant").fill("client-of-a-lost-answer")
    decide(page)
    expect(page.locator(".panel.refused")).to_contain_text("The service cannot be reached.")
    decide(page)
    decided(page)
    assert len(set(keys)) == 1
    kept = JournalReader(server.output.parent / "journal").decisions()
    assert sum(one.applicant == "client-of-a-lost-answer" for one in kept) == 1


@pytest.mark.parametrize(
    ("status", "headers", "body", "told"),
    [
        (
            503,
            {"Retry-After": "2", "Content-Type": "application/problem+json"},
            {"detail": "the service is overloaded"},
            "The service is overloaded. Try again in 2 s.",
        ),
        (504, {"Content-Type": "application/problem+json"}, {"detail": "not in time"}, "Not in time."),
        (502, {"Content-Type": "text/html"}, None, "502 Bad Gateway."),
    ],
)
def test_a_service_that_does_not_decide_is_told_in_words(
    visit: Visit, status: int, headers: dict[str, str], body: Any, told: str
) -> None:
    page = visit.page
    page.goto("/")
    text = "<h1>Bad gateway</h1>" if body is None else json.dumps(body)
    page.route("**/predict", lambda route: route.fulfill(status=status, headers=headers, body=text))
    decide(page)
    expect(page.locator(".panel.refused")).to_contain_text(told)
    expect(page.get_by_role("button", name="Decide", exact=True)).to_have_attribute("aria-disabled", "false")


def test_it_is_filled_in_and_decided_by_the_keyboard_alone(page: Page) -> None:
    page.get_by_role("link", name="Skip to the form").focus()
    page.keyboard.press("Enter")
    page.locator('[data-name="LIMIT_BAL"] input').focus()
    page.keyboard.press("Control+A")
    page.keyboard.type("90000")
    page.keyboard.press("Enter")
    decided(page)
    expect(page.locator("#answer-title")).to_be_focused()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("path", ["/", "/redoc"])
def test_axe_finds_nothing(browser: Browser, server: Server, path: str, scheme: str) -> None:
    with visiting(browser, server.url, color_scheme=scheme, reduced_motion="reduce") as made:
        page = made.page
        page.goto(path)
        states = ["as it opens"]
        if path == "/":
            states += ["broken", "decided", "what if"]
        for state in states:
            if state == "broken":
                put(page, LIMIT_BAL="")
                decide(page)
                put(page, LIMIT_BAL=120_000)
            elif state == "decided":
                put_near(page)
                decide(page)
                decided(page)
            elif state == "what if":
                page.get_by_role("button", name="Put these into the form").click()
                expect(page.locator(".panel", has_text="The difference")).to_be_visible()
            page.evaluate(AXE)
            found = page.evaluate("rules => axe.run(document, rules)", RULES)
            assert [
                (state, one["id"], node["target"], node["failureSummary"])
                for one in found["violations"]
                for node in one["nodes"]
            ] == []


def test_it_fits_a_small_phone(browser: Browser, server: Server, tmp_path: Path) -> None:
    with visiting(browser, server.url, **PHONE) as made:
        for path in ("/", "/redoc"):
            made.page.goto(path)
            if path == "/":
                decide(made.page)
                decided(made.page)
            assert made.page.evaluate("document.documentElement.scrollWidth") <= PHONE["viewport"]["width"], path
