"""Where data come from: locations, archives, published files, raw snapshots."""

from typing import Literal

Form = Literal["file", "folder", "archive", "sample"]
"""How a source holds its files."""
