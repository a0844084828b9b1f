"""The build file of a Bento."""

from __future__ import annotations

from pipelines.cli.console import ScorecardName, app, say
from scoring.scorecards import load


@app.command()
def bentofile(scorecard: ScorecardName) -> None:
    """Write the file that `bentoml build` makes the scorecard's Bento from; `build` does it too."""
    from pipelines.bentofile import write_bentofile

    say("bentofile", str(write_bentofile(load(scorecard))))
