"""Starts `bentoml serve` as a user does, on a free port, and stops it."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from tests.serving.toy import environment
from tests.waiting import at_work

ROOT = Path(__file__).parents[2]
BENTOML = [sys.executable, "-m", "bentoml"]


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
    command = [*BENTOML, "serve", target, "--port", str(port)]
    with at_work(command, folder, output, f"http://127.0.0.1:{port}/readyz", env) as process:
        yield Server(process, port, output)
