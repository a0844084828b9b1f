"""A project whose models can be changed, pushed and promoted without training again."""

from __future__ import annotations

import hashlib
import json
import shutil
import sqlite3
import sys
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from pipelines import cli
from pipelines.governance.registry import Registry
from pipelines.workspace import Workspace
from scoring.scorecards import load
from tests.conftest import Project

CARD = load("card_default")
PATHS = {
    "experiments": ["artifact_location"],
    "runs": ["artifact_uri"],
    "model_versions": ["source", "storage_location"],
}
"""Columns of MLflow's database that hold absolute paths."""
MADE: dict[str, dict[Path, bytes]] = {}
"""What the stages made, by the hash of what they read."""


def move_registry(database: Path, old: Path, new: Path) -> None:
    """Lets the copy of an MLflow database find its files in the copy of their folder."""
    with closing(sqlite3.connect(database)) as connection, connection:
        for table, columns in PATHS.items():
            for column in columns:
                connection.execute(f"UPDATE {table} SET {column} = replace({column}, ?, ?)", (str(old), str(new)))


@dataclass(frozen=True)
class Governed:
    """A copy of the trained project, with its command run in this process."""

    project: Project
    monkeypatch: pytest.MonkeyPatch
    capsys: pytest.CaptureFixture[str]

    @property
    def workspace(self) -> Workspace:
        return Workspace(CARD.name, "full")

    @property
    def registry(self) -> Registry:
        return Registry(CARD)

    @property
    def release(self) -> dict[str, Any]:
        content: dict[str, Any] = self.read(self.workspace.release)
        return content

    def read(self, path: Path) -> Any:
        return json.loads(path.read_text())

    def run(self, *arguments: str) -> tuple[int, str]:
        """The command's exit code, and what it printed, on one line."""
        self.monkeypatch.setattr(sys, "argv", ["scorebox", *arguments])
        code = 0
        try:
            cli.main()
        except SystemExit as exit_:
            code = exit_.code if isinstance(exit_.code, int) else 1
        printed = self.capsys.readouterr()
        assert "Traceback" not in printed.err
        return code, " ".join((printed.out + printed.err).split())

    def limits(self, **changes: float) -> None:
        """Changes limits under `promotion:` in params.yaml."""
        path = self.project.folder / "params.yaml"
        params = yaml.safe_load(path.read_text())
        params["scorecards"][CARD.name]["promotion"] |= changes
        path.write_text(yaml.safe_dump(params))

    def calibrate(self, change: Callable[[float], float]) -> None:
        """Bends the PDs of the trained model, and lets the stages up to `verify` run again."""
        path = self.workspace.model / "calibration.json"
        calibration = self.read(path)
        assert calibration["method"] == "isotonic"
        calibration["knots"] = [[log_odds, change(pd)] for log_odds, pd in calibration["knots"]]
        path.write_text(json.dumps(calibration))
        self._stages()
        report = self.read(self.workspace.report / "report.json")
        report["graph_sha256"] = {
            item["variant"]: item["sha256"] for item in self.read(self.workspace.benchmark)["variants"]
        }
        (self.workspace.report / "report.json").write_text(json.dumps(report))

    def _stages(self) -> None:
        """Run the stages that make the graphs and judge them, once in a session for the same files and parameters."""
        folder = self.project.folder / "artifacts"
        files = [self.project.folder / "params.yaml", *sorted(path for path in folder.rglob("*") if path.is_file())]
        state = hashlib.sha256()
        for path in files:
            state.update(str(path.relative_to(self.project.folder)).encode() + path.read_bytes())
        known = MADE.get(state.hexdigest())
        if known is None:
            for stage in ("export", "quantize", "explain", "benchmark", "verify"):
                self.run(stage, CARD.name)
            MADE[state.hexdigest()] = {
                path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()
            }
        else:
            shutil.rmtree(folder)
            for relative, content in known.items():
                (folder / relative).parent.mkdir(parents=True, exist_ok=True)
                (folder / relative).write_bytes(content)

    def challenge(self, change: Callable[[float], float]) -> int:
        """Makes a changed model the challenger and gives its version."""
        self.calibrate(change)
        code, printed = self.run("push", CARD.name)
        assert code == 0, printed
        return self.registry.aliases()["challenger"]
