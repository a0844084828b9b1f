"""Which state of the project something was made from."""

from __future__ import annotations

import os
import subprocess

from training.errors import StageError


def git_revision() -> str:
    """Return the commit that is checked out, with `-dirty` if files differ from it; `unknown` outside git."""
    try:
        described = subprocess.run(
            ["git", "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"],
            capture_output=True,
            text=True,
            check=True,
        )
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return described.stdout.strip()


def git_seconds() -> int:
    """Return when that commit was made, in seconds since 1970; `SOURCE_DATE_EPOCH` goes before it, 0 is outside git.

    Raises:
        StageError: that variable is not a number.
    """
    if given := os.environ.get("SOURCE_DATE_EPOCH"):
        if not given.isdecimal():
            raise StageError(f"SOURCE_DATE_EPOCH must be whole seconds since 1970, and it is {given!r}")
        return int(given)
    try:
        shown = subprocess.run(["git", "log", "-1", "--format=%ct"], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return 0
    return int(shown.stdout)
