"""Images of a small model, built as a user builds them."""

from __future__ import annotations

import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from tests.conftest import PROJECT
from tests.serving.toy import environment, push_release_in


@dataclass(frozen=True)
class Repository:
    """A copy of what images are built from, with a release of the toy model, and a store that holds it."""

    folder: Path
    store: Path

    def release(self, version: str, shift: float = 0.0) -> None:
        """Another model is what serves, its log-odds shifted."""
        push_release_in(self.store, self.folder / "releases" / "card_default.json", version, shift)

    def scorebox(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Runs the command in the copy."""
        done = subprocess.run(
            [sys.executable, "-m", "pipelines.cli", *arguments],
            cwd=self.folder,
            env=environment(self.store) | {"PYTHONPATH": str(PROJECT), "COLUMNS": "200"},
            capture_output=True,
            text=True,
            check=False,
        )
        if check and done.returncode:
            raise AssertionError(done.stdout + done.stderr)
        return done

    def image(self, *options: str) -> str:
        """Builds the image of what serves; its tag."""
        return self.scorebox("image", "card_default", *options).stdout.strip()


def repository(folder: Path) -> Repository:
    """A copy in the folder, with the toy's version 1.0.0 in its store."""
    copy = Repository(folder / "repository", folder / "store")
    for name in ("scoring", "serving", "bentos"):
        shutil.copytree(PROJECT / name, copy.folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(PROJECT / "service.py", copy.folder)
    (copy.folder / "releases").mkdir()
    copy.release("1.0.0")
    return copy
