"""A real browser, and a visit to a page in it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import Browser, Page, sync_playwright

from tests.needs import program
from tests.waiting import LONGEST_WAIT

OPTIONS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
    # A page that the test makes up comes from no address, so Chromium would take it for one of the internet.
    "--disable-features=LocalNetworkAccessChecks",
)  # fmt: skip


@contextmanager
def chromium() -> Iterator[Browser]:
    """Start Chromium for the length of the block."""
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


@contextmanager
def visiting(browser: Browser, url: str, **options: Any) -> Iterator[Visit]:
    """Open an empty page of its own context; `options` are Playwright's, such as the viewport."""
    with browser.new_context(base_url=url, **options) as context:
        context.set_default_timeout(LONGEST_WAIT * 1000)
        made = Visit(context.new_page())
        context.on("request", lambda request: made.hosts.add(urlsplit(request.url).netloc))
        context.on("console", lambda message: made.complaints.append(message.text))
        made.page.on("pageerror", lambda error: made.complaints.append(str(error)))
        yield made
