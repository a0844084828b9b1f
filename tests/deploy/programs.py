"""Programs of the monitoring stack, as Debian packages them."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

PACKAGES = {
    "promtool": "prometheus",
    "prometheus": "prometheus",
    "amtool": "prometheus-alertmanager",
    "prometheus-alertmanager": "prometheus-alertmanager",
    "prometheus-pushgateway": "prometheus-pushgateway",
}
LONGEST_WAIT = 60.0


def needed(name: str) -> str:
    """The program's path; where it is missing the test is skipped, in CI it fails."""
    found = shutil.which(name)
    if found is None:
        reason = f"{name} is not installed; Debian's package is {PACKAGES[name]}"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    return found


def run(name: str, *arguments: str | Path) -> str:
    """What the program prints; the test fails with that if the program does."""
    ended = subprocess.run([needed(name), *arguments], capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


@contextmanager
def running(name: str, folder: Path, ready: str, *arguments: str) -> Iterator[None]:
    """The program at work in the folder, from when this address answers."""
    output = folder / f"{name}.log"
    with output.open("wb") as log:
        process = subprocess.Popen([needed(name), *arguments], cwd=folder, stdout=log, stderr=subprocess.STDOUT)
    try:
        until(lambda: process.poll() is not None or _answers(ready))
        assert process.poll() is None, output.read_text()
        yield
    finally:
        process.terminate()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def until(holds: Callable[[], bool], instead: Callable[[], object] = lambda: "") -> None:
    """Waits until something holds; a test fails with what there is instead if it does not for a minute."""
    deadline = time.monotonic() + LONGEST_WAIT
    while not holds():
        assert time.monotonic() < deadline, f"it did not come to pass; instead: {instead()}"
        time.sleep(0.1)


def _answers(address: str) -> bool:
    try:
        return httpx.get(address).status_code == 200
    except httpx.HTTPError:
        return False
