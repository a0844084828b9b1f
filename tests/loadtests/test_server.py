"""Starting, watching and stopping servers, among them some that do not behave."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import psutil
import pytest

from loadtests import server as servers
from loadtests.machine import divide_cores, pinned
from loadtests.server import Command, ServerError, is_ready, running, start

HTTP = """
import http.server, os, signal, subprocess, sys, time
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200 if self.path == "/readyz" else 404)
        self.send_header("Content-Length", "0")
        self.end_headers()
{setup}
http.server.HTTPServer(("127.0.0.1", {port}), Handler).serve_forever()
"""
POLITE = "signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))"


def command(setup: str, **changes: object) -> Command:
    program = HTTP.replace("{setup}", setup)
    return Command("stub", [sys.executable, "-c", program], {}, **changes)  # type: ignore[arg-type]  # of a dataclass


def test_a_polite_server_runs_and_stops(tmp_path: Path) -> None:
    with running(command(POLITE), tmp_path / "log") as server:
        assert is_ready(server.port, "/readyz")
        assert not is_ready(server.port, "/elsewhere")
        assert server.cpu_seconds() > 0
        assert server.memory_bytes() > 1 << 20
        pids = [process.pid for process in server.processes()]
    assert not is_ready(server.port, "/readyz")
    assert not any(psutil.pid_exists(pid) for pid in pids)


def test_children_count_and_must_end_with_the_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(servers, "ORPHAN_SECONDS", 0.5)
    child = "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])\n"
    server = start(command(child + POLITE), tmp_path / "log")
    server.wait_until_ready()
    pids = [process.pid for process in server.processes()]
    assert len(pids) == 2
    with pytest.raises(ServerError, match="left processes behind after SIGTERM: 1"):
        server.stop()
    assert not any(psutil.pid_exists(pid) and psutil.Process(pid).status() != "zombie" for pid in pids)


def test_a_server_that_does_not_start_is_quoted(tmp_path: Path) -> None:
    with (
        pytest.raises(ServerError, match=r"exit code 3.*\n(.*\n)*no model"),
        running(command("print('no model', flush=True); sys.exit(3)"), tmp_path / "log"),
    ):
        raise AssertionError


def test_a_server_that_is_never_ready_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(servers, "START_SECONDS", 1.0)
    with (
        pytest.raises(ServerError, match="not ready after 1 s"),
        running(command(POLITE, ready="/elsewhere"), tmp_path / "log"),
    ):
        raise AssertionError


def test_a_wrong_exit_code_is_an_error(tmp_path: Path) -> None:
    rude = start(command("signal.signal(signal.SIGTERM, lambda *_: os._exit(7))"), tmp_path / "log")
    rude.wait_until_ready()
    with pytest.raises(ServerError, match="exit code 7 after SIGTERM"):
        rude.stop()
    with running(command("", exit_codes=frozenset({-15})), tmp_path / "log"):
        pass


def test_a_server_that_ignores_sigterm_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(servers, "STOP_SECONDS", 0.5)
    server = start(command("signal.signal(signal.SIGTERM, signal.SIG_IGN)"), tmp_path / "log")
    server.wait_until_ready()
    (process,) = server.processes()
    with pytest.raises(ServerError, match="still running"):
        server.stop()
    assert not process.is_running()


def test_a_server_that_dies_is_noticed(tmp_path: Path) -> None:
    server = start(command(POLITE), tmp_path / "log")
    server.wait_until_ready()
    server.kill()
    with pytest.raises(ServerError, match="has died"):
        server.cpu_seconds()


def test_a_failure_inside_the_block_ends_the_server(tmp_path: Path) -> None:
    started = []

    def fail() -> None:
        with running(command(POLITE), tmp_path / "log") as server:
            started.extend(server.processes())
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert started
    assert not any(process.is_running() for process in started)


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="cores cannot be assigned here")
def test_a_server_stays_on_its_core(tmp_path: Path) -> None:
    before = os.sched_getaffinity(0)
    core = frozenset({min(before)})
    server = start(command(POLITE), tmp_path / "log", core)
    try:
        assert set(server.processes()[0].cpu_affinity()) == core
        assert os.sched_getaffinity(0) == before
    finally:
        server.kill()


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="cores cannot be assigned here")
def test_server_and_client_share_no_core() -> None:
    cores = divide_cores()
    if cores.server is None or cores.client is None:
        assert len(os.sched_getaffinity(0)) == 1
        return
    assert not cores.server & cores.client
    with pinned(cores.client):
        assert os.sched_getaffinity(0) == cores.client
