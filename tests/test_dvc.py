"""dvc.yaml hangs together: every input of a stage is made by another one, or is in the project."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from typing import Any

import pytest
import typer
import yaml

from pipelines.cli import app
from scoring.scorecards import names
from tests.conftest import PROJECT
from tests.stage_dependencies import FILES, MADE, code_dependencies

STAGES: dict[str, Any] = {
    stage: entry["do"] for stage, entry in yaml.safe_load((PROJECT / "dvc.yaml").read_text())["stages"].items()
}
MADE_BY_HAND = {"data/sources"}
"""`scorebox source` writes it, and make."""


def paths(entries: list[Any], scorecard: str) -> Iterator[str]:
    for entry in entries:
        path = entry if isinstance(entry, str) else next(iter(entry))
        yield path.replace("${key}", scorecard)


def outputs(scorecard: str) -> set[str]:
    return {
        path
        for stage in STAGES.values()
        for kind in ("outs", "metrics", "plots")
        for path in paths(stage.get(kind, []), scorecard)
    }


@pytest.mark.parametrize("scorecard", names())
@pytest.mark.parametrize("stage", STAGES)
def test_what_a_stage_needs_is_made_or_there(stage: str, scorecard: str) -> None:
    made = outputs(scorecard)
    for path in paths(STAGES[stage]["deps"], scorecard):
        known = path in MADE_BY_HAND or any(path == out or path.startswith(f"{out}/") for out in made)
        assert known or (not path.startswith("artifacts/") and (PROJECT / path).exists()), path


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_is_the_command_of_its_name(stage: str) -> None:
    assert STAGES[stage]["cmd"] == f"scorebox {stage} ${{key}} --profile full"
    assert stage in app.list_commands(typer.Context(app))


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_depends_on_all_the_code_that_its_command_imports(stage: str) -> None:
    named = [path for path in STAGES[stage]["deps"] if not path.startswith(MADE)]
    assert named == code_dependencies(stage), "run: make dvc"


def test_every_file_that_code_reads_is_in_a_folder_that_stages_depend_on() -> None:
    tracked = subprocess.run(
        ["git", "ls-files", "scoring", "training", "pipelines/stages"], cwd=PROJECT, capture_output=True, check=True
    )
    others = [path for path in tracked.stdout.decode().split() if not path.endswith((".py", "py.typed"))]
    watched = "training/monitoring/templates/"  # of pages that no stage writes
    assert [path for path in others if not path.startswith((*FILES.values(), watched))] == []
