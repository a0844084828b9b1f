"""Where data come from: locations, archives, published files, raw snapshots."""

from typing import Literal

Form = Literal["file", "folder", "archive", "sample"]
"""How a source holds its files."""
SAMPLE = "SAMPLE DATA"
"""The label of generated data in summaries, reports and the registry's tags."""
