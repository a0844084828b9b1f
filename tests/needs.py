"""Programs and servers that a test needs of its machine, apart from Python packages."""

from __future__ import annotations

import os
import shutil
from typing import NoReturn

import pytest


def missing(reason: str) -> NoReturn:
    """End a test that cannot run here: it is skipped, and in CI, which has everything, it fails."""
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)


def program(name: str, how: str, *, folder: str = "") -> str:
    """Return the path of a command of this machine, or else of a folder; `how` says how a missing one comes here."""
    found = shutil.which(name) or shutil.which(name, path=folder)
    if found is None:
        missing(f"{name} is not installed: {how}")
    return found
