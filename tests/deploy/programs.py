"""Programs of the monitoring stack, as Debian packages them."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.needs import program
from tests.waiting import at_work

PACKAGES = {
    "promtool": "prometheus",
    "prometheus": "prometheus",
    "amtool": "prometheus-alertmanager",
    "prometheus-alertmanager": "prometheus-alertmanager",
    "prometheus-pushgateway": "prometheus-pushgateway",
}


def needed(name: str) -> str:
    """The program's path; where it is missing the test is skipped, in CI it fails."""
    return program(name, f"on Debian, apt-get install {PACKAGES[name]}")


def run(name: str, *arguments: str | Path) -> str:
    """Return what the program prints; the test fails with that if the program does."""
    ended = subprocess.run([needed(name), *arguments], capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


@contextmanager
def running(name: str, folder: Path, ready: str, *arguments: str) -> Iterator[None]:
    """The program at work in the folder, from when this address answers."""
    with at_work([needed(name), *arguments], folder, folder / f"{name}.log", ready):
        yield
