"""Takes the place of a home that nobody has named: HOME unset, and a user whom the system does not know."""

from __future__ import annotations

import os
from pathlib import Path


def do_without_home() -> None:
    """Let libraries that ask for the home have a path where nothing can be kept; some end on none, with a traceback."""
    try:
        Path.home()
    except RuntimeError:
        os.environ["HOME"] = os.devnull
