"""The canary's nginx on a real engine, as its manifest runs it, before two servers that say which they are."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest

from loadtests.server import free_port
from tests.deploy.engine import docker, require_engine, running
from tests.deploy.manifests import KUBERNETES
from tests.deploy.rolling import HARDENED, NGINX, nginx_image

pytestmark = [pytest.mark.slow, pytest.mark.alone]

CONF = KUBERNETES / "overlays" / "canary" / "card_default" / "nginx.conf"
APPLICANTS = 2_000


class Side(ThreadingHTTPServer):
    """A server on loopback that answers with its name."""

    def __init__(self, name: str) -> None:
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            wbufsize = -1  # head and body in one packet

            def do_POST(self) -> None:
                self.rfile.read(int(self.headers["Content-Length"]))
                self.send_response(200)
                self.send_header("Content-Length", str(len(name)))
                self.end_headers()
                self.wfile.write(name.encode())

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the base's name
                pass

        super().__init__(("127.0.0.1", 0), Handler)
        self.daemon_threads = True
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def end(self) -> None:
        """Nobody listens any more."""
        self.shutdown()
        self.server_close()


class Splitter:
    """The splitter as a caller sees it."""

    def __init__(self, port: int) -> None:
        self._client = httpx.Client(base_url=f"http://127.0.0.1:{port}")

    def side(self, applicant: str | None) -> str:
        headers = {} if applicant is None else {"Applicant-ID": applicant}
        answer = self._client.post("/predict", content=b"{}", headers=headers)
        assert answer.status_code == 200
        return answer.text

    def canaries(self) -> set[str]:
        """Return those of some applicants who are the canary's."""
        names = [f"client-{number}" for number in range(APPLICANTS)]
        return {name for name in names if self.side(name) == "canary"}

    def close(self) -> None:
        self._client.close()


@pytest.fixture(scope="module", autouse=True)
def image() -> Iterator[None]:
    require_engine()
    nginx_image()
    yield
    docker("image", "rm", "--force", NGINX)


@pytest.fixture
def canary() -> Iterator[Side]:
    side = Side("canary")
    yield side
    side.end()


@pytest.fixture
def stable() -> Iterator[Side]:
    side = Side("stable")
    yield side
    side.end()


@contextmanager
def splitter(folder: Path, stable: Side, canary: Side, share: str = "10%") -> Iterator[Splitter]:
    port = free_port()
    text = CONF.read_text()
    for ours, theirs in (
        ("listen 8080;", f"listen 127.0.0.1:{port};"),
        ("server card-default-server:3000", f"server 127.0.0.1:{stable.server_port}"),
        ("server card-default-server-canary:3000", f"server 127.0.0.1:{canary.server_port}"),
        ("10% canary;", f"{share} canary;"),
    ):
        assert ours in text
        text = text.replace(ours, theirs)
    # Pytest's own folder is closed to nginx's user.
    mounted = folder / "conf"
    mounted.mkdir(exist_ok=True)
    (mounted / "nginx.conf").write_text(text)
    options = (*HARDENED, "--user", "10101:10101", "--network", "host", "--volume", f"{mounted}:/splitter:ro")
    command = ("nginx", "-c", "/splitter/nginx.conf", "-g", "daemon off;")
    with running(NGINX, *command, options=options, port=None) as container:
        while container.state()["Running"]:
            try:
                assert httpx.get(f"http://127.0.0.1:{port}/splitter").status_code == 204
                break
            except httpx.ConnectError:
                continue
        else:
            raise AssertionError(container.logs())
        caller = Splitter(port)
        try:
            yield caller
        finally:
            caller.close()


def test_a_tenth_of_the_applicants_is_the_canary_s_and_stays_it(tmp_path: Path, stable: Side, canary: Side) -> None:
    with splitter(tmp_path, stable, canary) as caller:
        chosen = caller.canaries()
        # Three standard deviations.
        assert abs(len(chosen) - APPLICANTS / 10) < 3 * (APPLICANTS * 0.1 * 0.9) ** 0.5
        assert caller.canaries() == chosen
    with splitter(tmp_path, stable, canary, "20%") as caller:
        assert caller.canaries() > chosen


def test_requests_without_an_applicant_are_on_either_side(tmp_path: Path, stable: Side, canary: Side) -> None:
    with splitter(tmp_path, stable, canary) as caller:
        assert {caller.side(None) for _ in range(500)} == {"stable", "canary"}


def test_without_a_canary_everybody_is_answered_by_the_others(tmp_path: Path, stable: Side, canary: Side) -> None:
    with splitter(tmp_path, stable, canary) as caller:
        chosen = caller.canaries()
    canary.end()
    with splitter(tmp_path, stable, canary) as caller:
        assert {caller.side(name) for name in chosen} == {"stable"}
