"""The pages of docs/tutorial/, block by block, in a copy of the project."""

from __future__ import annotations

import os
import re
import signal
from pathlib import Path

import pytest

from tests.conftest import PROJECT
from tests.e2e.reader import Reader
from tests.e2e.server import Server, serve

NAME = "card_default"
TOKEN = "a-token-of-the-page"
TUTORIAL = PROJECT / "docs" / "tutorial"
pytestmark = pytest.mark.slow


def end_the_hard_way(server: Server) -> None:
    """Do what the page does by name, for this server alone."""
    worker = server.worker()
    os.kill(server.process.pid, signal.SIGKILL)
    os.kill(worker, signal.SIGKILL)
    server.process.wait()


def blocks(page: str) -> list[str]:
    """Return the shell blocks of a page."""
    return re.findall(r"```sh\n(.*?)```", (TUTORIAL / page).read_text(), re.DOTALL)


def test_a_newcomer_gets_to_a_decline_its_proof_and_another_cutoff(built_project: Path) -> None:
    reader = Reader(built_project, TOKEN)
    begin, decline, explain, show, replay, look, move, again = blocks("first_decision.md")
    assert begin.endswith("make serve\n")
    settings = {"SCOREBOX_RELOAD_TOKEN": TOKEN, "SCOREBOX_JOURNAL": str(built_project / "journal" / NAME)}
    with serve(built_project / ".bentoml", folder=built_project, release=False, **settings) as server:
        reader.address = f"127.0.0.1:{server.port}"
        declined = reader.run(decline)
        assert '"decision": "decline"' in declined
        assert '"sentence": ' in declined
        assert '"counterfactual": ' in reader.run(explain)
        named = show.splitlines()[0] + "\n"
        assert "declined" in reader.run(show).lower()
        assert "same" in reader.run(named + replay)
        reader.run(look)
        assert server.get("/model_info").json()["cutoff"] == 0.25
        reader.run(move)
        assert server.get("/model_info").json()["cutoff"] == 0.3
        assert "same" in reader.run(named + again)


def test_a_decision_can_be_followed_to_its_proof(built_project: Path) -> None:
    folder = built_project
    reader = Reader(folder, TOKEN)
    begin, send, read, replay, kill, outcomes, drift, cutoff, reload = blocks("walkthrough.md")
    assert begin.endswith("make serve\n")
    settings = {"SCOREBOX_RELOAD_TOKEN": TOKEN, "SCOREBOX_JOURNAL": str(folder / "journal" / NAME)}
    with serve(folder / ".bentoml", folder=folder, release=False, **settings) as server:
        reader.address = f"127.0.0.1:{server.port}"
        reader.run(send)
        assert len((folder / "decided.csv").read_text().splitlines()) == 601
        shown = reader.run(read)
        assert "declined" in shown.lower()
        assert "card_default:" in shown
        replayed = reader.run(replay)
        assert "600 decisions" in replayed
        assert "every seal holds" in replayed
        end_the_hard_way(server)
    first, *then = kill.splitlines()
    assert first.startswith("pkill -9")
    with serve(folder / ".bentoml", folder=folder, release=False, **settings) as server:
        reader.address = f"127.0.0.1:{server.port}"
        assert "600 decisions" in reader.run("\n".join(then))
        assert "600" in reader.run(outcomes)
        assert "retraining is due" in reader.run(drift)
        before = server.get("/model_info").json()
        reader.run(cutoff)
        assert server.get("/model_info").json() == before
        reader.run(reload)
        assert server.get("/model_info").json()["cutoff"] == 0.3
