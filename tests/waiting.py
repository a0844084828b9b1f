"""Waiting for something to hold, and for a process to be ready."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

LONGEST_WAIT = 600.0
"""Seconds after which something will not come to pass any more, however slow the machine is."""
PATIENT: dict[str, Any] = {"timeout": LONGEST_WAIT, "verify": False}
"""How tests ask a server: the certificates of the world take longer to read than most servers to answer."""
PATIENCE = {"SCOREBOX_DRAIN": "0", "SCOREBOX_REQUEST_TIMEOUT": "60", "SCOREBOX_MAX_WAIT": "60"}
"""Settings of a server that a test starts: a busy machine is no reason to refuse a request."""
TAKEN = "Address already in use"


def until(holds: Callable[[], bool], instead: Callable[[], object] = lambda: "") -> None:
    """Wait until something holds; a test fails with what there is instead if it does not for ten minutes."""
    deadline = time.monotonic() + LONGEST_WAIT
    while not holds():
        assert time.monotonic() < deadline, f"it did not come to pass; instead: {instead()}"
        time.sleep(0.05)


def answers(address: str) -> bool:
    """Return whether the address answers 200."""
    try:
        return httpx.get(address, **PATIENT).status_code == 200
    except httpx.HTTPError:
        return False


@contextmanager
def at_work(
    command: Sequence[str], folder: Path, output: Path, ready: str, environment: Mapping[str, str] | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """A process in the folder, from when this address answers until the block ends; `output` has what it says."""
    for last in (False, True):
        with _started(command, folder, output, environment) as process:
            until(lambda: process.poll() is not None or answers(ready), output.read_text)
            if last or process.poll() is None or TAKEN not in output.read_text():
                assert process.poll() is None, output.read_text()
                yield process
                return
        # BentoML chooses a port for itself and binds it later: another test was quicker.


@contextmanager
def _started(
    command: Sequence[str], folder: Path, output: Path, environment: Mapping[str, str] | None
) -> Iterator[subprocess.Popen[bytes]]:
    with output.open("wb") as log:
        process = subprocess.Popen(command, cwd=folder, env=environment, stdout=log, stderr=subprocess.STDOUT)
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
