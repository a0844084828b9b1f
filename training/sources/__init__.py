"""Where data come from: locations, archives, published files, raw snapshots."""

from typing import Literal

Form = Literal["file", "folder", "archive", "sample"]
"""How a source holds its files."""
SAMPLE, REAL = "SAMPLE DATA", "real data"
"""The label of generated data, and of all other data, in summaries, reports and the registry's tags."""
