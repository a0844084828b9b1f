"""The journal as one file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pipelines.cli.console import print_line, steps
from pipelines.cli.journal_options import JournalFolder, journal_folder
from pipelines.cli.options import ScorecardName, Since, Until
from pipelines.journal.export import export as write_decisions
from pipelines.watch.current_rows import utc
from scoring.journal.reader import JournalReader


def export(
    scorecard: ScorecardName,
    output: Annotated[Path, typer.Argument(metavar="OUT.parquet", help="Where the decisions go.")],
    since: Since = None,
    until: Until = None,
    journal: JournalFolder = None,
) -> None:
    """Write the decisions into a Parquet file, with all that is kept of them."""
    reader = JournalReader(journal_folder(scorecard, journal))
    first, last = utc(since), utc(until)
    with steps(len(reader.span(since=first, until=last))) as advance:
        count = write_decisions(reader, output, first, last, lambda rows: advance("export", rows))
    print_line("export", f"{count:,} decisions: {output}")
