"""A process that is told to end, or has nothing left to do, ends: whoever comes, and whatever holds it up."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

from tests.conftest import PROJECT
from tests.waiting import LONGEST_WAIT

DRAINED = [sys.executable, "-m", "tests.serving.drained"]


@pytest.mark.parametrize(
    ("mode", "code"),
    [
        pytest.param("crowd", 0, id="somebody always waits to be accepted"),
        pytest.param("shut", 0, id="another process has shut the socket"),
        pytest.param("stuck", 1, id="its end is held up"),
    ],
)
def test_it_ends(mode: str, code: int) -> None:
    ended = subprocess.run([*DRAINED, mode], cwd=PROJECT, check=False, timeout=LONGEST_WAIT, stdin=subprocess.DEVNULL)
    assert ended.returncode == code


def test_it_ends_with_its_parent() -> None:
    """The pipe is closed when the last process that has it ends, which is the grandchild."""
    middle = f"import subprocess, time; subprocess.Popen({[*DRAINED, 'alone']!r}); time.sleep(100_000)"
    with subprocess.Popen([sys.executable, "-c", middle], cwd=PROJECT, stdout=subprocess.PIPE) as parent:
        assert parent.stdout
        assert parent.stdout.readline() == b"ready\n"
        parent.send_signal(signal.SIGKILL)
        assert parent.stdout.read() == b""
