"""The command line is asked what it takes, without running anything."""

from __future__ import annotations

import os
import shlex
import subprocess
import tempfile
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any
from unittest.mock import patch

import typer
from typer.core import TyperGroup

from pipelines.cli import app
from scoring.scorecards import names
from tests.waiting import LONGEST_WAIT

COMMAND = ["python", "-m", "pipelines.cli"]
"""The module that `scorebox` runs; an image without the installed project has no `scorebox`."""


@cache
def option_variables() -> set[str]:
    """The environment variables that commands read."""
    return _variables(app)


def _variables(command: Any) -> set[str]:
    found = {str(option.envvar) for option in command.params if option.envvar}
    if isinstance(command, TyperGroup):
        context = typer.Context(command)
        for name in command.list_commands(context):
            found |= _variables(command.resolve_command(context, [name])[1])
    return found


def called(command: list[str], environment: dict[str, str]) -> list[list[str]]:
    """Return the arguments that a shell runs Python with; the Python that it finds only notes it."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        note = folder / "calls"
        stand_in = folder / "python"
        stand_in.write_text(f"#!/bin/sh\nprintf '%s\\n' python \"$@\" >>{note}\n")
        stand_in.chmod(0o755)
        variables = {**environment, "PATH": f"{folder}:{os.environ['PATH']}"}
        subprocess.run(command, env=variables, check=True, timeout=LONGEST_WAIT)
        return noted(note)


def noted(note: Path) -> list[list[str]]:
    """The calls that such a Python has noted."""
    lines = note.read_text().splitlines() if note.exists() else []
    starts = [index for index, line in enumerate(lines) if line == "python"]
    return [lines[start:end] for start, end in pairwise([*starts, len(lines)])]


def refused(call: list[str], environment: dict[str, str]) -> str | None:
    """Why the command line refuses a call; None if it takes it. Nothing is run."""
    if call[: len(COMMAND)] != COMMAND:
        return f"{shlex.join(call)} is not the command line"
    command: Any = app
    words = call[len(COMMAND) :]
    try:
        with patch.dict(os.environ, environment):
            while isinstance(command, TyperGroup):
                _, below, words = command.resolve_command(typer.Context(command), words)
                assert below is not None
                command = below
            command.make_context(command.name, list(words))
    except (typer.TyperException, typer.Exit) as error:
        return f"{shlex.join(call)}: {error}"
    if "SCORECARD" in [option.metavar for option in command.params] and words[0] not in names():
        return f"{shlex.join(call)}: there is no scorecard {words[0]}"
    return None
