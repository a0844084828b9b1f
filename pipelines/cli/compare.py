"""Champion and challenger on the same applications."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pipelines.cli.console import print_line
from pipelines.cli.journal_options import JournalFolder, journal_folder
from pipelines.cli.options import ProfileName, ScorecardName, Since, Until, workspace_of
from pipelines.params import read_params
from pipelines.watch.compare import run
from pipelines.watch.current_rows import utc
from scoring.scorecards import load
from training.errors import StageError


def compare(
    scorecard: ScorecardName,
    journal: JournalFolder = None,
    since: Since = None,
    until: Until = None,
    outcomes: Annotated[
        Path | None, typer.Option(help="Labels, CSV or Parquet: decision_id, defaulted; else the recorded ones.")
    ] = None,
    fail: Annotated[bool, typer.Option("--fail", help="Exit code 1 beyond --flips or --psi.")] = False,
    flips: Annotated[float, typer.Option(help="Most decisions that may differ, as a share.")] = 0.1,
    psi: Annotated[float, typer.Option(help="Most PSI of the challenger's PDs against the champion's.")] = 0.25,
    profile: ProfileName = None,
) -> None:
    """Compare champion and challenger on the applications that both have scored."""
    workspace = workspace_of(scorecard, profile)
    compared = run(
        load(scorecard),
        workspace,
        read_params(),
        journal_folder(scorecard, journal),
        since=utc(since),
        until=utc(until),
        outcomes=outcomes,
    )
    print_line("compare", f"{compared.challenger} next to {compared.champion}")
    print_line("compare", compared.verdict)
    print_line("compare", f"{workspace.comparison.with_suffix('.md')}, {workspace.comparison}")
    found = compared.comparison
    if fail and (found.flips.share > flips or found.psi > psi):
        raise StageError(
            f"{found.flips.share:.2%} of decisions differ, at most {flips:.2%} may; "
            f"PSI {found.psi:.4f}, at most {psi:g}"
        )
