"""Starts `bentoml serve` as a user does, on a free port, and stops it."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from tests.serving.toy import environment

ROOT = Path(__file__).parents[2]
BENTOML = [sys.executable, "-m", "bentoml"]
LONGEST_START = 60.0


@dataclass
class Server:
    """A running server."""

    process: subprocess.Popen[bytes]
    port: int
    output: Path

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def worker(self) -> int:
        """The process that answers."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        (worker,) = [int(pid) for pid in children if b"worker.service" in Path(f"/proc/{pid}/cmdline").read_bytes()]
        return worker

    def log(self) -> list[dict[str, Any]]:
        """Its log lines; all of them are JSON."""
        return [json.loads(line) for line in self.output.read_bytes().splitlines()]

    def get(self, path: str) -> httpx.Response:
        return httpx.get(self.url + path)

    def post(self, path: str, body: Any, **headers: str) -> httpx.Response:
        if isinstance(body, bytes):
            return httpx.post(self.url + path, content=body, headers=headers)
        return httpx.post(self.url + path, json=body, headers=headers)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def serve(
    home: Path, target: str = "service:Scorebox", folder: Path = ROOT, *, release: bool = True, **settings: str
) -> Iterator[Server]:
    """A server that is ready; `settings` are environment variables, `release` says to serve the one at `home`."""
    port = free_port()
    output = home / f"server-{port}.log"
    env = environment(home) | {"SCOREBOX_DRAIN": "0", "SCOREBOX_JOURNAL": str(home / "journal")} | settings
    if release:
        env["SCOREBOX_RELEASE"] = str(home / "release.json")
    with output.open("wb") as log:
        command = [*BENTOML, "serve", target, "--port", str(port)]
        process = subprocess.Popen(command, cwd=folder, env=env, stdout=log, stderr=subprocess.STDOUT)
    running = Server(process, port, output)
    try:
        _wait_until_ready(running)
        yield running
    finally:
        process.terminate()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait_until_ready(server: Server) -> None:
    deadline = time.monotonic() + LONGEST_START
    while time.monotonic() < deadline:
        if server.process.poll() is not None:
            break
        with suppress(httpx.HTTPError):
            if server.get("/readyz").status_code == 200:
                return
        time.sleep(0.1)
    raise AssertionError(f"the server did not start:\n{server.output.read_text()}")
