"""The build file of a Bento, and the images."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from pipelines.cli.console import ScorecardName, app, say
from scoring.scorecards import load

if TYPE_CHECKING:
    from pipelines.images.build import Image

Base = Annotated[str, typer.Option("--base", help="The image to build on: Python 3.11 with pip. A digest pins it.")]
Twice = Annotated[bool, typer.Option("--twice", help="Build it once more from nothing; fail if a layer differs.")]


@app.command()
def bentofile(scorecard: ScorecardName) -> None:
    """Write the file that `bentoml build` makes the scorecard's Bento from; `build` does it too."""
    from pipelines.images.bentofile import write_bentofile

    say("bentofile", str(write_bentofile(load(scorecard))))


@app.command()
def image(
    scorecard: ScorecardName,
    base: Base = "python:3.11-slim",
    shipper: Annotated[
        bool, typer.Option("--shipper", help="The image of `scorebox journal ship` instead of the service's.")
    ] = False,
    twice: Twice = False,
) -> None:
    """Build the release image of the model that serves, and list what is in it; the tag goes to standard output."""
    from pipelines.images.build import Target, build

    load(scorecard)
    _say(build(scorecard, base, Target.SHIPPER if shipper else Target.RELEASE, twice=twice), base, twice=twice)


@app.command()
def watch_image(base: Base = "python:3.11-slim", twice: Twice = False) -> None:
    """Build the image of the jobs that watch, such as `drift`, for every scorecard; its tag goes to standard output."""
    from pipelines.images.build import build_watch

    _say(build_watch(base, twice=twice), base, twice=twice)


def _say(built: Image, base: str, *, twice: bool) -> None:
    size, over = (round(count / 1e6) for count in (built.bytes, built.bytes - built.base_bytes))
    say("image", f"{size} MB, {over} MB of them over {base}{'; both builds have the same layers' if twice else ''}")
    say("image", f"{built.bom} lists what is in it")
    typer.echo(built.tag)
