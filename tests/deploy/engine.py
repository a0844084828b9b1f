"""A real container engine: its containers, networks and volumes, each for the length of a block."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn
from uuid import uuid4

import httpx
import pytest

from tests.needs import missing
from tests.waiting import PATIENT

SERVICE_PORT = 3000
AS_THE_PLATFORM = (
    "--read-only", "--tmpfs", "/tmp", "--cap-drop", "ALL", "--security-opt", "no-new-privileges", "--pids-limit", "256",
)  # fmt: skip
"""How a release image is run: nothing can be written but /tmp and its volume, and it has no rights."""


def require_engine() -> None:
    """Skips the test where no container engine answers; see `no_engine`."""
    if subprocess.run(["docker", "info"], capture_output=True, check=False).returncode:
        no_engine("no container engine answers; deploy/engine.sh installs and starts one")


def no_engine(reason: str) -> NoReturn:
    """Skips the test. In CI it fails, unless `.ci/run` has said that no engine can run."""
    if known := os.environ.get("NO_CONTAINER_ENGINE"):
        pytest.skip(f"no container engine can run here: {known}")
    missing(reason)


def docker(*arguments: str, check: bool = True) -> str:
    """Return what the engine's command writes to standard output."""
    done = subprocess.run(["docker", *arguments], capture_output=True, text=True, check=False)
    if check and done.returncode:
        raise AssertionError(f"docker {' '.join(arguments)}:\n{done.stdout}{done.stderr}")
    return done.stdout.strip()


@dataclass(frozen=True)
class Container:
    """A container that has been started.

    Attributes:
        port: on the loopback of this machine; 0 if it publishes none.
    """

    name: str
    port: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def direct_url(self) -> str:
        """Its own address on the engine's network. Without the engine's proxy, which accepts what nobody listens to."""
        form = "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}"
        return f"http://{docker('inspect', '--format', form, self.name)}:{SERVICE_PORT}"

    def get(self, path: str) -> httpx.Response:
        return httpx.get(self.url + path, **PATIENT)

    def post(self, path: str, body: Any) -> httpx.Response:
        return httpx.post(self.url + path, json=body, **PATIENT)

    def state(self) -> dict[str, Any]:
        """Return what the engine says: `Running`, `ExitCode`, `OOMKilled`, `Health`."""
        found: dict[str, Any] = json.loads(docker("inspect", "--format", "{{json .State}}", self.name))
        return found

    def logs(self) -> str:
        done = subprocess.run(["docker", "logs", self.name], capture_output=True, text=True, check=True)
        return done.stdout + done.stderr

    def stop(self, seconds: int = 30) -> int:
        """SIGTERM, after so many seconds SIGKILL; gives the exit code."""
        docker("stop", "--time", str(seconds), self.name)
        return int(self.state()["ExitCode"])

    def kill(self) -> None:
        docker("kill", self.name)

    def copy(self, path: str, to: Path) -> Path:
        """A copy of the container's folder in an existing one, also of a volume and after its end."""
        docker("cp", f"{self.name}:{path}", str(to))
        return to / Path(path).name

    def wait_until_ready(self, path: str = "/readyz") -> None:
        """Returns once the path answers 200."""
        while True:
            with suppress(httpx.HTTPError):
                if self.get(path).status_code == 200:
                    return
            if not self.state()["Running"]:
                break
            time.sleep(0.05)
        raise AssertionError(f"{self.name} is not ready:\n{self.logs()}")


def start(
    image: str, *command: str, options: Sequence[str] = (), port: int | None = SERVICE_PORT, **environment: str
) -> Container:
    """Starts a container, the port published on loopback, without waiting for it; `remove` ends it."""
    name = f"scorebox-test-{uuid4().hex[:12]}"
    published = () if port is None else ("--publish", f"127.0.0.1::{port}")
    given = [word for key, value in environment.items() for word in ("--env", f"{key}={value}")]
    docker("run", "--detach", "--name", name, *published, *given, *options, image, *command)
    return Container(name, 0 if port is None else _published(name, port))


def remove(container: Container) -> None:
    """Ends it at once, with the volumes that have no name."""
    docker("rm", "--force", "--volumes", container.name, check=False)


@contextmanager
def running(
    image: str, *command: str, options: Sequence[str] = (), port: int | None = SERVICE_PORT, **environment: str
) -> Iterator[Container]:
    """A container for the length of the block, which may stop it; see `start`."""
    container = start(image, *command, options=options, port=port, **environment)
    try:
        yield container
    finally:
        remove(container)


@contextmanager
def volume() -> Iterator[str]:
    """The name of an empty volume."""
    name = f"scorebox-test-{uuid4().hex[:12]}"
    docker("volume", "create", name)
    try:
        yield name
    finally:
        docker("volume", "rm", "--force", name, check=False)


@contextmanager
def network() -> Iterator[str]:
    """The name of a network on which containers find each other by name."""
    name = f"scorebox-test-{uuid4().hex[:12]}"
    docker("network", "create", name)
    try:
        yield name
    finally:
        docker("network", "rm", name, check=False)


def _published(name: str, port: int) -> int:
    return int(docker("port", name, f"{port}/tcp").splitlines()[0].rpartition(":")[2])
