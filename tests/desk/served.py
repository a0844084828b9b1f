"""A desk that serves on a real socket, and people who use it as a browser would."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import uvicorn
from pydantic import SecretStr

from desk.app import create_app
from desk.settings import DeskSettings

NOWHERE = "http://127.0.0.1:9"
SECRET = "a secret of the tests, 32 or more characters"


class Browser(httpx.Client):
    """A browser at a desk: it keeps cookies, and sends the CSRF token with each change."""

    def __init__(self, address: str, **options: Any) -> None:
        super().__init__(base_url=address, timeout=60, **options)
        self.csrf_token = ""

    def log_in(self, login: str, password: str) -> httpx.Response:
        answer = self.post("/auth/login", json={"login": login, "password": password})
        if answer.is_success:
            self.csrf_token = answer.json()["csrf_token"]
        return answer

    def request(self, method: str, url: httpx.URL | str, **options: Any) -> httpx.Response:
        headers = {"X-CSRF-Token": self.csrf_token} if self.csrf_token else {}
        return super().request(method, url, **{**options, "headers": headers | (options.get("headers") or {})})


@dataclass
class ServedDesk:
    """Where it serves, and its database."""

    address: str
    database: str
    browsers: ExitStack

    def browser(self, login: str | None = None) -> Browser:
        """A browser, of somebody who is logged in if a login is given."""
        from tests.desk.conftest import PASSWORD

        browser = self.browsers.enter_context(Browser(self.address))
        if login is not None:
            assert browser.log_in(login, PASSWORD).status_code == 200
        return browser


@contextmanager
def serving(database: str, **services: str) -> Iterator[ServedDesk]:
    """Serve the desk of a database in a thread of its own, with these services by scorecard."""
    app = create_app(
        DeskSettings(
            database=SecretStr(database), secret=SecretStr(SECRET), services=services or {"card_approval": NOWHERE}
        )
    )
    with socket.create_server(("127.0.0.1", 0)) as listening, ExitStack() as browsers:
        config = uvicorn.Config(app, access_log=False, log_level="warning", server_header=False)
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        try:
            yield ServedDesk(f"http://127.0.0.1:{listening.getsockname()[1]}", database, browsers)
        finally:
            browsers.close()
            server.should_exit = True
            thread.join()
