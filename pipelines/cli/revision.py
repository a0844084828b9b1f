"""The state of the project that something is made from."""

from __future__ import annotations

from pipelines.cli.console import print_warning
from training.revision import find_revision


def warn_of_unknown_revision(what: str) -> None:
    """Print a warning where git tells no revision, since nobody can find out later what something was made from."""
    if trouble := find_revision().trouble:
        print_warning("NO REVISION", f"{what} is recorded as made from an unknown state of the project: {trouble}")
