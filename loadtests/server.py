"""Starts a server on a free loopback port, waits until it is ready, and stops it with SIGTERM."""

from __future__ import annotations

import http.client
import os
import random
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from loadtests import ROOT
from loadtests.machine import pinned

START_SECONDS = 90.0
STOP_SECONDS = 20.0
ORPHAN_SECONDS = 5.0
"""Seconds that processes which a server leaves running have to end after it."""
LOOPBACK = "127.0.0.1"
# Below those that Linux gives to clients, or another program could have the port before its server has.
PORTS = range(15_000, 32_000)


class ServerError(RuntimeError):
    """A server did not start, died, or did not stop as it should."""


@dataclass(frozen=True)
class Command:
    """How a server is started.

    Attributes:
        arguments: the command line; `{port}` stands for the port.
        environment: added to this process's environment.
        ready: path that answers 200 once requests are served.
        exit_codes: what the process may end with after SIGTERM.
    """

    name: str
    arguments: Sequence[str]
    environment: Mapping[str, str]
    ready: str = "/readyz"
    exit_codes: frozenset[int] = frozenset({0})


class Server:
    """A running server and the processes that belong to it."""

    def __init__(self, command: Command, port: int, process: subprocess.Popen[bytes], log: Path) -> None:
        self.command = command
        self.port = port
        self._process = process
        self._log = log

    @property
    def host(self) -> str:
        """The base address."""
        return f"http://{LOOPBACK}:{self.port}"

    def processes(self) -> list[psutil.Process]:
        """Return the server's process and all that it started."""
        try:
            root = psutil.Process(self._process.pid)
            return [root, *root.children(recursive=True)]
        except psutil.NoSuchProcess:
            raise ServerError(f"{self.command.name} has died; its last words:\n{self.last_words()}") from None

    def worker(self) -> psutil.Process:
        """Return the process of this project's service that answers.

        Raises:
            ServerError: there is none, or the server has died.
        """
        deadline = time.monotonic() + STOP_SECONDS
        # One look at a busy machine's processes may miss it.
        while time.monotonic() < deadline:
            for process in self.processes():
                with suppress(psutil.NoSuchProcess):
                    if any("worker.service" in word for word in process.cmdline()):
                        return process
            time.sleep(0.05)
        raise ServerError(f"{self.command.name} has no worker; its last words:\n{self.last_words()}")

    def cpu_seconds(self) -> float:
        """Return the user and system CPU seconds of the whole process tree so far."""
        total = 0.0
        for process in self.processes():
            try:
                times = process.cpu_times()
            except psutil.NoSuchProcess:
                continue
            total += times.user + times.system
        return total

    def memory_bytes(self) -> int:
        """Return the resident bytes of the whole process tree; pages that processes share count for each."""
        total = 0
        for process in self.processes():
            try:
                total += process.memory_info().rss
            except psutil.NoSuchProcess:
                continue
        return total

    def last_words(self) -> str:
        """Return the end of the server's log."""
        lines = self._log.read_text(errors="replace").splitlines()
        return "\n".join(lines[-20:])

    def wait_until_ready(self) -> None:
        """Wait until the ready path answers 200.

        Raises:
            ServerError: the process ended, or was not ready in time.
        """
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            if self._process.poll() is not None:
                raise ServerError(
                    f"{self.command.name} ended with exit code {self._process.returncode} "
                    f"instead of starting; its last words:\n{self.last_words()}"
                )
            if is_ready(self.port, self.command.ready):
                return
            time.sleep(0.2)
        raise ServerError(
            f"{self.command.name} was not ready after {START_SECONDS:g} s; its last words:\n{self.last_words()}"
        )

    def stop(self) -> None:
        """Send SIGTERM and wait for the end.

        Raises:
            ServerError: it had died before, did not end in time, or ended with another exit code.
        """
        tree = self.processes()
        self.terminate()
        self._wait(tree)

    def wait(self) -> None:
        """Wait for the end after `terminate`.

        Raises:
            ServerError: it did not end in time, or ended with another exit code.
        """
        self._wait([])

    def _wait(self, tree: list[psutil.Process]) -> None:
        try:
            code = self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()
            raise ServerError(f"{self.command.name} was still running {STOP_SECONDS:g} s after SIGTERM") from None
        _, left = psutil.wait_procs(tree, timeout=ORPHAN_SECONDS)
        self.kill()
        if left:
            psutil.wait_procs(left, timeout=ORPHAN_SECONDS)
            raise ServerError(f"{self.command.name} left processes behind after SIGTERM: {len(left)}")
        if code not in self.command.exit_codes:
            raise ServerError(
                f"{self.command.name} ended with exit code {code} after SIGTERM; its last words:\n{self.last_words()}"
            )

    def terminate(self) -> None:
        """Send SIGTERM and do not wait; `stop` does."""
        self._process.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """End everything that is left of the server at once."""
        # Its workers are in sessions of their own, so the group is not all of it.
        with suppress(ServerError):
            tree = self.processes()
            for process in tree:
                with suppress(psutil.NoSuchProcess):
                    process.kill()
            psutil.wait_procs(tree[1:], timeout=STOP_SECONDS)
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()


def free_port() -> int:
    """Return a loopback port that nothing listens on, and that the system gives to nobody who asks for any port."""
    while True:
        port = random.choice(PORTS)  # noqa: S311  # no secret
        with suppress(OSError), socket.create_server((LOOPBACK, port)):
            return port


def is_ready(port: int, path: str) -> bool:
    """Return whether GET `path` on the loopback port answers 200."""
    connection = http.client.HTTPConnection(LOOPBACK, port, timeout=2)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def start(command: Command, log: Path, cores: frozenset[int] | None = None, port: int | None = None) -> Server:
    """Start the server on these cores and this port, if given, without waiting until it is ready."""
    port = port or free_port()
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as output, pinned(cores):
        process = subprocess.Popen(
            [argument.replace("{port}", str(port)) for argument in command.arguments],
            cwd=ROOT,
            env={**os.environ, **command.environment},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            # An interrupt at the keyboard is for the runner, which then stops its servers.
            start_new_session=True,
        )
    return Server(command, port, process, log)


@contextmanager
def running(command: Command, log: Path, cores: frozenset[int] | None = None) -> Iterator[Server]:
    """Run a ready server for the length of the block, and stop it with SIGTERM after it.

    Raises:
        ServerError: see `Server.wait_until_ready` and `Server.stop`.
    """
    server = start(command, log, cores)
    try:
        server.wait_until_ready()
        yield server
    except BaseException:
        server.kill()
        raise
    server.stop()
