"""The images of the service, of the shipper and of what watches."""

from __future__ import annotations

from typing import Annotated

import typer

from pipelines.cli.console import print_line
from pipelines.cli.options import ScorecardName
from pipelines.cli.revision import warn_of_unknown_revision
from pipelines.images.build import Image, Target, build, build_watch
from scoring.scorecards import load

Base = Annotated[str, typer.Option("--base", help="The image to build on: Python 3.11 with pip. A digest pins it.")]
Twice = Annotated[bool, typer.Option("--twice", help="Build it once more from nothing; fail if a layer differs.")]


def image(
    scorecard: ScorecardName,
    base: Base = "python:3.11-slim",
    shipper: Annotated[
        bool, typer.Option("--shipper", help="The image of `scorebox journal ship` instead of the service's.")
    ] = False,
    twice: Twice = False,
) -> None:
    """Build the release image of the model that serves, and list what is in it; the tag goes to standard output."""
    load(scorecard)
    warn_of_unknown_revision("the image")
    target = Target.SHIPPER if shipper else Target.RELEASE
    _print_image(build(scorecard, base, target, twice=twice), base, twice=twice)


def watch_image(base: Base = "python:3.11-slim", twice: Twice = False) -> None:
    """Build the image of the jobs that watch, such as `drift`, for every scorecard; its tag goes to standard output."""
    warn_of_unknown_revision("the image")
    _print_image(build_watch(base, twice=twice), base, twice=twice)


def _print_image(built: Image, base: str, *, twice: bool) -> None:
    size, over = (round(count / 1e6) for count in (built.bytes, built.bytes - built.base_bytes))
    same = "; both builds have the same layers" if twice else ""
    print_line("image", f"{size} MB, {over} MB of them over {base}{same}")
    print_line("image", f"{built.bom} lists what is in it")
    typer.echo(built.tag)
