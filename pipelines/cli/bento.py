"""The build file of a Bento, and the image of a release."""

from __future__ import annotations

from typing import Annotated

import typer

from pipelines.cli.console import ScorecardName, app, say
from scoring.scorecards import load


@app.command()
def bentofile(scorecard: ScorecardName) -> None:
    """Write the file that `bentoml build` makes the scorecard's Bento from; `build` does it too."""
    from pipelines.bentofile import write_bentofile

    say("bentofile", str(write_bentofile(load(scorecard))))


@app.command()
def image(
    scorecard: ScorecardName,
    base: Annotated[
        str, typer.Option("--base", help="The image to build on: Python 3.11 with pip. A digest pins it.")
    ] = "python:3.11-slim",
    shipper: Annotated[
        bool, typer.Option("--shipper", help="The image of `scorebox journal ship` instead of the service's.")
    ] = False,
    twice: Annotated[
        bool, typer.Option("--twice", help="Build it once more from nothing; fail if a layer differs.")
    ] = False,
) -> None:
    """Build the release image of the model that serves, and list what is in it; the tag goes to standard output."""
    from pipelines.images.build import Target, build

    load(scorecard)
    built = build(scorecard, base, Target.SHIPPER if shipper else Target.RELEASE, twice=twice)
    size, over = (round(count / 1e6) for count in (built.bytes, built.bytes - built.base_bytes))
    say("image", f"{size} MB, {over} MB of them over {base}{'; both builds have the same layers' if twice else ''}")
    say("image", f"{built.bom} lists what is in it")
    typer.echo(built.tag)
