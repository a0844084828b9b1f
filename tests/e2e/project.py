"""A copy of this project, for what a user does in theirs."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import yaml

from tests.conftest import PROJECT


def copy_project(folder: Path) -> Path:
    """Copy what is under version control, or will be, into the folder."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=PROJECT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    for name in listed.stdout.splitlines():
        if (PROJECT / name).exists():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(PROJECT / name, folder / name, follow_symlinks=False)
    return folder


def leave_out_time(folder: Path, candidates: Sequence[str] = ()) -> None:
    """Promote models of card_default however slow the machine is; train only these candidates, if any.

    The gate on reasons stays and chooses the network, as `make serve` does: a yardstick takes the machine out of it,
    and the nearest candidate is a third away.
    """
    path = folder / "params.yaml"
    params = yaml.safe_load(path.read_text())
    card = params["scorecards"]["card_default"]
    card["promotion"] |= {"microseconds_1": 1e9, "microseconds_256": 1e9}
    if candidates:
        card["candidates"] = {name: card["candidates"][name] for name in candidates}
    path.write_text(yaml.safe_dump(params, sort_keys=False))
