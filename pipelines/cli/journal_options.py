"""The option that names a journal, for the commands that read one."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from scoring.journal.place import default_place

JournalFolder = Annotated[
    Path | None,
    typer.Option(
        "--journal", envvar="SCOREBOX_JOURNAL", help="The journal's folder.", show_default="journal/SCORECARD"
    ),
]


def journal_folder(scorecard: str, given: Path | None) -> Path:
    """Return the folder of a scorecard's journal.

    Raises:
        JournalError: none is named, and there is no place for one.
    """
    return given or default_place(scorecard, Path())
