"""The pages of a real server in a real browser."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests.e2e.conftest import LISTED_ORIGIN
from tests.e2e.server import Server
from tests.needs import program
from tests.serving.toy import SCORECARD
from tests.waiting import LONGEST_WAIT

OPTIONS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
    # A page that the test makes up comes from no address, so Chromium would take it for one of the internet.
    "--disable-features=LocalNetworkAccessChecks",
)  # fmt: skip


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    path = shutil.which("google-chrome") or program("chromium", "apt-get install chromium")
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=path, args=OPTIONS, timeout=LONGEST_WAIT * 1000)
        yield opened
        opened.close()


@dataclass
class Visit:
    """A page, the hosts that it asked, and all that the browser complained of."""

    page: Page
    hosts: set[str] = field(default_factory=set)
    complaints: list[str] = field(default_factory=list)


@pytest.fixture
def visit(browser: Browser, server: Server) -> Iterator[Visit]:
    with browser.new_context(base_url=server.url) as context:
        context.set_default_timeout(LONGEST_WAIT * 1000)
        made = Visit(context.new_page())
        context.on("request", lambda request: made.hosts.add(urlsplit(request.url).netloc))
        context.on("console", lambda message: made.complaints.append(message.text))
        made.page.on("pageerror", lambda error: made.complaints.append(str(error)))
        yield made


@pytest.mark.parametrize(
    ("path", "title", "last"),
    [
        ("/", f"{SCORECARD.title} – Scorebox", "text=GET /healthz"),
        ("/docs", f"{SCORECARD.title} – API of Scorebox", "#operations-Service-healthz"),
        ("/redoc", f"{SCORECARD.title} – API of Scorebox", "#operations-Service-healthz"),
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
