"""Which state of the project something was made from."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass

from training.errors import StageError

UNKNOWN = "unknown"
"""The revision where git tells none."""


@dataclass(frozen=True)
class Revision:
    """A state of the project."""

    name: str
    """The commit that is checked out, with `-dirty` if files differ from it; `UNKNOWN` where git tells none."""
    trouble: str | None = None
    """Why git tells none, in one line; None if it does."""


def find_revision() -> Revision:
    """Ask git for the state of the project."""
    command = ["git", "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"]
    try:
        described = subprocess.run(command, capture_output=True, text=True, check=True)
    except FileNotFoundError:
        return Revision(UNKNOWN, "git is not installed")
    except OSError as error:
        return Revision(UNKNOWN, f"git does not start: {error.strerror}")
    except subprocess.CalledProcessError as error:
        lines = str(error.stderr).strip().splitlines() or [f"git ended with exit code {error.returncode}"]
        return Revision(UNKNOWN, lines[0])
    return Revision(described.stdout.strip())


def git_revision() -> str:
    """Return the commit that is checked out, with `-dirty` if files differ from it; `UNKNOWN` where git tells none."""
    return find_revision().name


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
