"""The pages of a real server in a real browser."""

from __future__ import annotations

import json

import pytest

from tests.e2e.browser import Visit
from tests.e2e.conftest import LISTED_ORIGIN
from tests.e2e.server import Server
from tests.serving.toy import SCORECARD


@pytest.mark.parametrize(
    ("path", "title", "last"),
    [
        ("/", f"{SCORECARD.title} – Scorebox", "text=No decision yet"),
        ("/docs", f"{SCORECARD.title} – API of Scorebox", "#operations-Service-healthz"),
        ("/redoc", f"{SCORECARD.title} – Reference of Scorebox", "#model-Decision"),
    ],
)
def test_a_page_has_its_title_and_asks_no_other_host(
    server: Server, visit: Visit, path: str, title: str, last: str
) -> None:
    visit.page.goto(path, wait_until="networkidle")
    visit.page.locator(last).wait_for()
    assert visit.page.title() == title
    assert visit.hosts == {f"127.0.0.1:{server.port}"}
    assert visit.complaints == []


def test_the_page_of_the_api_sends_the_example_and_shows_the_decision(server: Server, visit: Visit) -> None:
    visit.page.goto("/docs")
    operation = visit.page.locator("#operations-Decisions-scorebox__predict")
    operation.locator(".opblock-summary-control").click()
    operation.locator(".execute").click()
    answer = operation.locator(".live-responses-table .response-col_description code").first
    decision = json.loads(answer.inner_text())
    assert decision["model"] == "card_default:1.0.0-fp32"
    assert decision["pd"] == server.post("/predict", dict(SCORECARD.example)).json()["pd"]
    assert visit.hosts == {f"127.0.0.1:{server.port}"}
    assert visit.complaints == []


@pytest.mark.parametrize(
    ("rule", "attempt"),
    [
        ("connect-src", "fetch('http://127.0.0.2:9999/')"),
        (
            "script-src-elem",
            "document.head.append(Object.assign(document.createElement('script'), {text: 'stolen = 1'}))",
        ),
        (
            "style-src-elem",
            "document.head.append(Object.assign(document.createElement('style'), {textContent: 'a {}'}))",
        ),
        ("img-src", "new Image().src = 'http://127.0.0.2:9999/pixel.png'"),
    ],
)
def test_the_browser_keeps_a_page_from_what_its_policy_forbids(visit: Visit, rule: str, attempt: str) -> None:
    visit.page.goto("/docs", wait_until="networkidle")
    broken = visit.page.evaluate(
        "attempt => new Promise(resolve => {"
        "  document.addEventListener('securitypolicyviolation', event => resolve(event.effectiveDirective));"
        f"  {attempt};"
        "})"
    )
    assert broken == rule


ASK = """async ([address, application]) => {
  const headers = {"Content-Type": "application/json", "Idempotency-Key": "of-a-page", "Applicant-ID": "anna"};
  const body = JSON.stringify(application);
  try {
    const answer = await fetch(address, {method: "POST", headers, body});
    return [answer.status, answer.headers.get("X-Request-ID"), await answer.json()];
  } catch (error) {
    return [0, null, String(error)];
  }
}"""


@pytest.mark.parametrize(("origin", "listed"), [(LISTED_ORIGIN, True), ("http://127.0.0.1:4182", False)])
def test_a_script_of_a_listed_origin_alone_gets_decisions_and_reads_refusals(
    server: Server, visit: Visit, origin: str, listed: bool
) -> None:
    visit.page.route(f"{origin}/**", lambda route: route.fulfill(body="a page", content_type="text/html"))
    visit.page.goto(f"{origin}/")
    for change, status in (({}, 200), ({"LIMIT_BAL": -5}, 422)):
        application = dict(SCORECARD.example) | change
        got, request_id, answer = visit.page.evaluate(ASK, [f"{server.url}/predict", application])
        if listed:
            assert (got, "pd" in answer) == (status, status == 200)
            assert request_id
        else:
            assert (got, answer) == (0, "TypeError: Failed to fetch")
