"""Take the pictures of docs/tutorial/desk.md of a desk that `make desk` serves.

`python -m tests.desk_screenshots ADDRESS client-0001=PASSWORD manager-01=PASSWORD administrator-1=PASSWORD`
"""

from __future__ import annotations

import sys

from playwright.sync_api import Page

from tests.e2e.browser import chromium, visiting
from tests.page_screenshots import ASSETS

SIZE = {"width": 1280, "height": 900}


def main() -> None:
    """Look at the start page of each role, and as a manager at an application that is declined."""
    address, *logins = sys.argv[1:]
    passwords = dict(login.split("=", 1) for login in logins)
    with chromium() as browser:
        for login, paths in {
            "client-0001": {"/my": "desk-client.png"},
            "manager-01": {"/queue?order=band&descending=true": "desk-queue.png"},
            "administrator-1": {"/office": "desk-managers.png"},
        }.items():
            with visiting(browser, address, viewport=SIZE) as made:
                page = made.page
                log_in(page, login, passwords[login])
                for path, name in paths.items():
                    page.goto(path)
                    page.screenshot(path=ASSETS / name)
                if login == "manager-01":
                    page.locator("tbody a").first.click()
                    page.screenshot(path=ASSETS / "desk-application.png")


def log_in(page: Page, login: str, password: str) -> None:
    """Log in as a user of the desk."""
    page.goto("/login")
    page.get_by_label("Login").fill(login)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Log in").click()


if __name__ == "__main__":
    main()
