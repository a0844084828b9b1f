"""A machine that is odd in every way at once: build, serve and score do as on any other."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from loadtests.server import free_port
from tests.e2e.project import copy_project, leave_out_time
from tests.e2e.server import Server
from tests.needs import missing, program
from tests.serving.challenged import applications
from tests.waiting import PATIENCE, at_work

UNKNOWN_USER = ("--user", "--map-user=54321", "--map-group=54321")


@pytest.fixture
def odd(tmp_path: Path) -> list[str]:
    """The beginning of a command: a user without an entry and without a home, a strict umask, LANG=C."""
    unshare = program("unshare", "on Debian, apt-get install util-linux")
    asks_who = [unshare, *UNKNOWN_USER, sys.executable, "-c", "import os, pwd; pwd.getpwuid(os.getuid())"]
    if "uid not found" not in subprocess.run(asks_who, capture_output=True, text=True, check=False).stderr:
        missing("unshare may not make users here: be root, or permit user namespaces")
    return [unshare, *UNKNOWN_USER, "sh", "-c", 'umask 077; exec "$@"', "sh"]


@pytest.mark.slow
def test_nobody_without_a_home_builds_serves_and_scores_in_an_odd_path(odd: list[str], tmp_path: Path) -> None:
    folder = copy_project(tmp_path / "Kredit #1, 100 % Prüfung ß")
    leave_out_time(folder, ["network"])
    environment = {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "LANG": "C",
        "LC_ALL": "C",
        "PYTHONPATH": str(folder),
        "BENTOML_HOME": str(folder / ".bentoml"),
        **PATIENCE,
    }

    def scorebox(*arguments: str) -> str:
        command = [*odd, sys.executable, "-m", "pipelines.cli", *arguments]
        done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
        printed = done.stdout + done.stderr
        assert done.returncode == 0, printed
        assert "Traceback" not in printed
        return " ".join(printed.split())

    assert "serves: releases/card_default.json" in scorebox("build", "card_default", "--profile", "quick")
    assert (folder / "releases" / "card_default.json").stat().st_mode & 0o077 == 0

    rows = applications(20, seed=1)
    port, output = free_port(), tmp_path / "server.log"
    command = [*odd, sys.executable, "-m", "bentoml", "serve", "service:Scorebox", "--port", str(port)]
    with at_work(command, folder, output, f"http://127.0.0.1:{port}/readyz", environment) as process:
        answer = Server(process, port, output).post("/predict", rows[0])
        assert answer.status_code == 200
    (folder / "Anträge #1").mkdir()
    pd.DataFrame(rows).to_csv(folder / "Anträge #1" / "Größe 1.csv", index=False)
    scorebox("score", "card_default", "Anträge #1/Größe 1.csv", "Anträge #1/Bescheide ü.parquet")
    scored = pd.read_parquet(folder / "Anträge #1" / "Bescheide ü.parquet")
    assert len(scored) == len(rows)
    assert scored["pd"][0] == pytest.approx(answer.json()["pd"], rel=1e-6)
    scorebox("replay", "card_default")
