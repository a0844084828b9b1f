"""Take the pictures of docs/tutorial/page.md of a card_default: `python -m tests.page_screenshots http://127.0.0.1:3000`."""

from __future__ import annotations

import sys
from pathlib import Path

from playwright.sync_api import Page

from tests.e2e.browser import chromium, visiting

ASSETS = Path(__file__).parent.parent / "docs" / "assets"
STATED = {"Payment last month": "0", "Payment 2 months ago": "0"}
"""What makes the example one of which a change within the applicant's reach is approved."""
SIZE = {"width": 1280, "height": 1000}


def main() -> None:
    """Decide an application that is declined, ask what would have been approved, and write both pictures."""
    with chromium() as browser, visiting(browser, sys.argv[1], viewport=SIZE, reduced_motion="reduce") as made:
        page = made.page
        page.goto("/")
        for title, value in STATED.items():
            page.get_by_label(title).select_option(value)
        page.get_by_label("Credit limit").fill("50000")
        page.get_by_role("button", name="Decide", exact=True).click()
        take(page, ".record", "page-decided.png")
        page.get_by_role("button", name="Put these into the form").click()
        take(page, '[data-action="back"]', "page-what-if.png")


def take(page: Page, shown: str, name: str) -> None:
    """Write the picture of the page's top once an element is there."""
    page.locator(shown).wait_for()
    page.evaluate("scrollTo(0, 0)")
    page.screenshot(path=ASSETS / name)


if __name__ == "__main__":
    main()
