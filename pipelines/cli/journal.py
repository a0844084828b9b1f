"""The journal of decisions: what can be done with it without the service."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pipelines.cli.console import app

journal_app = typer.Typer(help="Read, prove, export and ship the journal of decisions.", no_args_is_help=True)
app.add_typer(journal_app, name="journal")

JournalFolder = Annotated[
    Path | None,
    typer.Option("--journal", envvar="SCOREBOX_JOURNAL", help="The journal's folder; journal/<scorecard> by default."),
]


def journal_folder(scorecard: str, given: Path | None) -> Path:
    """Where the journal of a scorecard is."""
    return given or Path("journal") / scorecard
