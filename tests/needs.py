"""What a test needs of its machine beside Python packages."""

from __future__ import annotations

import os
import shutil
from typing import NoReturn

import pytest


def missing(reason: str) -> NoReturn:
    """Ends a test that cannot run here: it is skipped, and in CI, which has everything, it fails."""
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)


def program(name: str, how: str, *, beside: str = "") -> str:
    """The path of a command, of this machine or else of a folder; where it is missing, `how` says how it comes here."""
    found = shutil.which(name) or shutil.which(name, path=beside)
    if found is None:
        missing(f"{name} is not installed: {how}")
    return found
