"""Command line options that the runners share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from loadtests import ROOT
from loadtests.traffic import Values, read_applications, sample_applications
from scoring.scorecard import Scorecard

APPLICATIONS = 512
"""How many different applications are sent, in turn."""

ScorecardOption = Annotated[str, typer.Option("--scorecard", envvar="SCOREBOX_SCORECARD", help="The scorecard.")]
ReleaseOption = Annotated[
    Path | None,
    typer.Option("--release", envvar="SCOREBOX_RELEASE", help="The release to serve; else releases/<scorecard>.json."),
]
ApplicationsOption = Annotated[
    Path | None,
    typer.Option(
        "--applications",
        envvar="SCOREBOX_LOAD_APPLICATIONS",
        help="A .parquet or .json file of applications to draw from; else the test split if there is one, else the "
        "scorecard's sample rows.",
    ),
]
ResultsOption = Annotated[Path, typer.Option("--results", help="The folder for results.")]
RESULTS = ROOT / "loadtests" / "results"


def release_file(scorecard: str, release: Path | None) -> Path:
    """Return the release to serve."""
    return release or ROOT / "releases" / f"{scorecard}.json"


def held_out(scorecard: str) -> Path | None:
    """Return the rows that no model was trained on, of the full training or else of the quick one; None before any."""
    files = [ROOT / "artifacts" / profile / scorecard / "test.parquet" for profile in ("full", "quick")]
    return next((file for file in files if file.exists()), None)


def draw(scorecard: Scorecard, file: Path | None) -> list[Values]:
    """Return the applications to send.

    Raises:
        TrafficError: the file cannot be used.
    """
    file = file or held_out(scorecard.name)
    if file is None:
        return sample_applications(scorecard, APPLICATIONS)
    return read_applications(scorecard, file, APPLICATIONS)


def origin(scorecard: str, file: Path | None) -> str:
    """Describe the source of the applications that `draw` returns."""
    if file is not None:
        return file.name
    split = held_out(scorecard)
    return "the scorecard's sample rows" if split is None else str(split.relative_to(ROOT))
