"""The `scorebox` command: one subcommand per stage.

Each module here adds its commands to the application when it is imported.
"""

from __future__ import annotations

import sys

from rich.markup import escape

from pipelines.cli import bento as bento
from pipelines.cli import challenge as challenge
from pipelines.cli import cutoff as cutoff
from pipelines.cli import drift as drift
from pipelines.cli import governance as governance
from pipelines.cli import history as history
from pipelines.cli import journal as journal
from pipelines.cli import leakage as leakage
from pipelines.cli import outcomes as outcomes
from pipelines.cli import performance as performance
from pipelines.cli import portfolio as portfolio
from pipelines.cli import replay as replay
from pipelines.cli import ship as ship
from pipelines.cli import sources as sources
from pipelines.cli import stages as stages
from pipelines.cli.console import app as app
from pipelines.cli.console import console
from scoring.graph import GraphIntegrityError
from scoring.history.store import HistoryError, HistoryUnavailableError
from scoring.journal.schema import JournalError
from scoring.models import ModelStoreError
from scoring.policy import PolicyError
from scoring.scorecards import UnknownScorecardError
from training.errors import DataError, StageError, TrackingError

EXPECTED = (
    StageError, DataError, TrackingError, UnknownScorecardError, ModelStoreError, GraphIntegrityError,
    HistoryError, HistoryUnavailableError, JournalError, PolicyError,
)  # fmt: skip


def main() -> None:
    """Runs the command; what is wrong with its input becomes one line and exit code 1."""
    try:
        app()
    except EXPECTED as error:
        console.print(f"[bold red]error[/] {escape(str(error))}", soft_wrap=True)
        sys.exit(1)
