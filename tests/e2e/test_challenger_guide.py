"""docs/challenger.md, step by step, in a copy of the project."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from scoring.journal.reader import JournalReader
from tests.conftest import PROJECT
from tests.e2e.server import serve
from tests.e2e.test_fifth_scorecard import copy_project

NAME = "card_default"
GUIDE = (PROJECT / "docs" / "challenger.md").read_text()
STEPS = re.findall(r"```sh\n(.*?)```", GUIDE[GUIDE.index("## Step by step") :], re.DOTALL)
pytestmark = pytest.mark.slow


class Reader:
    """Somebody who follows the page: one shell command after the other, in one folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.address = "127.0.0.1:3000"

    def run(self, script: str) -> str:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("SCOREBOX_", "MLFLOW_"))}
        token = re.search(r"SCOREBOX_RELOAD_TOKEN=([\w-]+)", GUIDE)
        assert token
        environment = kept | {
            "BENTOML_HOME": str(self.folder / ".bentoml"),
            "BENTOML_DO_NOT_TRACK": "True",
            "COLUMNS": "200",
            "PYTHONPATH": str(self.folder),
            "SCOREBOX_RELOAD_TOKEN": token[1],
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        }
        # The environment is that of the tests.
        script = script.replace(". .venv/bin/activate\n", "").replace("127.0.0.1:3000", self.address)
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", script],
            cwd=self.folder, env=environment, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        return " ".join((done.stdout + done.stderr).split())


def test_the_page_can_be_followed(tmp_path: Path) -> None:
    folder = copy_project(tmp_path / "project")
    reader = Reader(folder)
    reader.run(f"scorebox build {NAME} --profile quick")
    second, shadow, applicants, share, withdrawal, promotion = STEPS
    with serve(
        folder / ".bentoml",
        folder=folder,
        release=False,
        SCOREBOX_RELOAD_TOKEN="a-secret-of-your-own",
        SCOREBOX_JOURNAL=str(folder / "journal" / NAME),
    ) as server:
        reader.address = f"127.0.0.1:{server.port}"
        old = server.get("/model_info").json()["model"]
        assert "it is the challenger" in reader.run(second)
        assert '"challenger":"card_default:' in reader.run(shadow)
        assert "500 decisions differ" in reader.run(applicants)
        assert "1,000 decisions differ" in reader.run(share)
        found = json.loads((folder / "artifacts" / "quick" / NAME / "monitoring" / "compare.json").read_text())
        assert found["champion"] == old
        assert server.get("/model_info").json()["challenger"]["withdrawn"] is False, server.output.read_text()
        assert 100 < found["by_challenger"] < 200
        told = reader.run(withdrawal)
        assert "withdrawn" in told
        assert "latency_ratio" in told
        assert server.get("/model_info").json()["challenger"]["withdrawn"] is True
        ended = reader.run(promotion)
        assert f'"model":"{found["challenger"]}"' in ended
        assert "nothing challenges card_default" in ended
        assert server.get("/model_info").json()["model"] == found["challenger"]
    decided = [record.basis.model for record in JournalReader(folder / "journal" / NAME).decisions()]
    assert len(decided) == 1_300
    assert set(decided) == {old, found["challenger"]}
