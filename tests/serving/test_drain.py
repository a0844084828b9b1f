"""A process that is told to end, or has nothing left to do, ends: whoever comes, and whatever holds it up."""

from __future__ import annotations

import os
import resource
import signal
import socket
import subprocess
import sys
from contextlib import ExitStack

import pytest

from serving.listening import ListeningSockets
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


def test_who_waits_is_seen_with_more_than_a_thousand_connections_open() -> None:
    """The descriptors of listening sockets are above 1,023 then, where `select` ends."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(4_096, before[1]), before[1]))
    with ExitStack() as stack:
        stack.callback(resource.setrlimit, resource.RLIMIT_NOFILE, before)
        listener = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        for _ in range(1_100):
            stack.callback(os.close, os.dup(listener.fileno()))
        listening = ListeningSockets([listener.fileno()])
        stack.callback(listening.close)
        assert not listening.somebody_waits
        stack.enter_context(socket.create_connection(listener.getsockname()))
        assert listening.somebody_waits
