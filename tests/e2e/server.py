"""Starts `bentoml serve` as a user does, on a free port, and stops it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from loadtests.server import free_port
from tests.serving.toy import environment
from tests.waiting import PATIENCE, PATIENT, at_work

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
        """Its log lines; all of them are JSON. They are written after the answers, the last one perhaps in part."""
        return [json.loads(line) for line in self.output.read_bytes().splitlines(keepends=True) if line.endswith(b"\n")]

    def get(self, path: str) -> httpx.Response:
        return httpx.get(self.url + path, **PATIENT)

    def post(self, path: str, body: Any, **headers: str) -> httpx.Response:
        if isinstance(body, bytes):
            return httpx.post(self.url + path, content=body, headers=headers, **PATIENT)
        return httpx.post(self.url + path, json=body, headers=headers, **PATIENT)


@contextmanager
def serve(
    home: Path, target: str = "service:Scorebox", folder: Path = ROOT, *, release: bool = True, **settings: str
) -> Iterator[Server]:
    """A server that is ready; `settings` are environment variables, `release` says to serve the one at `home`."""
    port = free_port()
    output = home / f"server-{port}.log"
    env = environment(home) | PATIENCE | settings
    if release:
        env["SCOREBOX_RELEASE"] = str(home / "release.json")
    command = [*BENTOML, "serve", target, "--port", str(port)]
    with at_work(command, folder, output, f"http://127.0.0.1:{port}/readyz", env) as process:
        yield Server(process, port, output)
