"""The build file of a Bento, apart from the images: `scorebox build` writes it with what `make serve` installs."""

from __future__ import annotations

from pipelines.cli.console import print_line
from pipelines.cli.options import ScorecardName
from pipelines.images.bentofile import write_bentofile
from scoring.scorecards import load


def bentofile(scorecard: ScorecardName) -> None:
    """Write the file that `bentoml build` makes the scorecard's Bento from; `build` does it too."""
    print_line("bentofile", str(write_bentofile(load(scorecard))))
