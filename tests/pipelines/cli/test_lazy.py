"""A command is imported when it is called, and a list of commands imports none."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import typer

from pipelines.cli import app
from pipelines.cli.lazy import LazyGroup
from scoring.expected import ExpectedError
from tests.conftest import PROJECT

HEAVY = {"bentoml", "catboost", "dvc", "lightgbm", "mlflow", "onnxruntime", "pandas", "pyarrow", "sklearn", "torch"}


def imported_by(*arguments: str) -> set[str]:
    """The slow libraries that a call of the command line imports."""
    script = "import sys; from pipelines.cli import app; app(sys.argv[1:], standalone_mode=False); print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", script, *arguments], cwd=PROJECT, capture_output=True, text=True, check=True
    )
    return HEAVY & set(done.stdout.splitlines()[-1].split())


@pytest.mark.parametrize("arguments", [["--help"], ["journal", "--help"], ["outcomes", "--help"], ["desk", "--help"]])
def test_a_list_of_commands_imports_none_of_them(arguments: list[str]) -> None:
    assert imported_by(*arguments) == set()


@pytest.mark.slow
def test_a_command_imports_what_it_needs_only() -> None:
    assert imported_by("journal", "show", "--help") == set()
    assert imported_by("journal", "migrate", "--help") <= {"onnxruntime", "pyarrow"}
    assert not imported_by("drift", "--help") & {"catboost", "dvc", "lightgbm", "mlflow", "torch"}


GROUPS: list[Any] = [app, *(app.commands[name] for name in ("journal", "outcomes", "desk"))]


def commands(group: LazyGroup) -> list[tuple[LazyGroup, str]]:
    return [(group, name) for name in group.list_commands(typer.Context(group))]


@pytest.mark.parametrize(
    ("group", "name"),
    [pair for group in GROUPS for pair in commands(group)],
)
def test_every_command_loads_and_its_line_in_the_list_is_its_own_help(group: LazyGroup, name: str) -> None:
    context = typer.Context(group)
    listed = group.get_command(context, name)
    _, command, rest = group.resolve_command(context, [name, "card_default"])
    assert rest == ["card_default"]
    assert command.name == name
    assert command.help
    if not isinstance(command, LazyGroup):
        assert listed
        assert command.help.strip() == listed.read_help()  # type: ignore[attr-defined]
        assert [option for option in command.params if getattr(option, "help", "") is None] == []


def test_a_command_without_a_package_that_it_needs_says_so_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "poor_command.py").write_text("import a_package_that_nobody_has\n")
    monkeypatch.syspath_prepend(tmp_path)
    group = LazyGroup("group", "Has one.", {"poor": "poor_command:poor"})
    with pytest.raises(ExpectedError, match="poor needs the package a_package_that_nobody_has, which is not installed"):
        group.resolve_command(typer.Context(group), ["poor"])


def test_a_name_that_is_nearly_a_command_s_gets_a_hint() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pipelines.cli", "dirft"], cwd=PROJECT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "Did you mean 'drift'?" in done.stderr
