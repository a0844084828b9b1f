"""Follows the pages of docs/ as somebody who has just cloned the project."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path


class Reader:
    """Somebody who follows the page: one shell command after the other, in one folder."""

    def __init__(self, folder: Path, token: str) -> None:
        self.folder = folder
        self.token = token
        self.address = "127.0.0.1:3000"

    def run(self, script: str) -> str:
        # Nothing that the page does not set: of BentoML's home too.
        ours = ("SCOREBOX_", "MLFLOW_", "BENTOML_")
        kept = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
        environment = kept | {
            "BENTOML_DO_NOT_TRACK": "True",
            "COLUMNS": "200",
            "PYTHONPATH": str(self.folder),
            "SCOREBOX_RELOAD_TOKEN": self.token,
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
