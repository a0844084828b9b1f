"""docs/how-to/operations.md: a backup that is taken while decisions are made is restored and goes on."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest

from scoring.journal.reader import JournalReader
from tests.conftest import PROJECT
from tests.e2e.server import Server, serve
from tests.serving.toy import environment

PAGE = (PROJECT / "docs" / "how-to" / "operations.md").read_text()


def commands(heading: str) -> str:
    """The first block of commands under a heading of the page."""
    found = re.search(rf"^## {heading}$.*?```sh\n(.*?)```", PAGE, re.MULTILINE | re.DOTALL)
    assert found
    return found[1]


def ask_until(over: Event, server: Server, example: dict[str, Any], decided: list[str]) -> None:
    while not over.is_set():
        decided.append(server.post("/predict", example).json()["decision_id"])


@pytest.mark.slow
def test_a_backup_under_load_is_restored_and_goes_on(home: Path, example: dict[str, Any], tmp_path: Path) -> None:
    place = tmp_path / "place"
    journal = place / "journal" / "card_default"
    env = environment(home) | {"PATH": os.environ["PATH"], "PYTHONPATH": str(PROJECT)}
    decided: list[str] = []
    over = Event()
    with serve(home, SCOREBOX_JOURNAL=str(journal)) as server:
        caller = Thread(target=ask_until, args=(over, server, example, decided))
        caller.start()
        while len(decided) < 100:
            over.wait(0.01)
        before = list(decided)
        subprocess.run(["bash", "-euo", "pipefail", "-c", commands("Backup")], cwd=place, env=env, check=True)
        over.set()
        caller.join()

    restored = place / "restored"
    shutil.copytree(place / "backup", restored)
    assert {path.stat().st_mode & 0o077 for path in restored.iterdir()} == {0}
    verify = [sys.executable, "-m", "pipelines.cli", "journal", "verify", "card_default", "--journal", str(restored)]
    verified = subprocess.run(verify, cwd=place, env=env, capture_output=True, text=True, check=False)
    assert verified.returncode == 0, verified.stdout + verified.stderr
    kept = [record.decision_id for record in JournalReader(restored).decisions()]
    assert kept[: len(before)] == before
    assert kept == decided[: len(kept)]
    with serve(home, SCOREBOX_JOURNAL=str(restored)) as server:
        new = server.post("/predict", example).json()["decision_id"]
    assert [record.decision_id for record in JournalReader(restored).decisions()] == [*kept, new]
