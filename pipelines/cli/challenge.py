"""Which challenger meets the champion."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from pydantic import ValidationError

from pipelines.artifacts import read_present_challenge
from pipelines.cli.console import print_line, print_warning
from pipelines.cli.journal_options import JournalFolder, journal_folder
from pipelines.cli.options import ScorecardName
from pipelines.governance import challenge as stage
from pipelines.workspace import FULL, Workspace
from scoring.challenger.challenge import Bounds
from scoring.errors import field_errors
from scoring.scorecard import Scorecard
from scoring.scorecards import load
from training.errors import StageError

RELOAD = 'curl -X POST http://127.0.0.1:3000/reload -H "Authorization: Bearer $SCOREBOX_RELOAD_TOKEN"'


def challenge(
    scorecard: ScorecardName,
    version: Annotated[int | None, typer.Option(min=1, help="Send this one; else the registry's challenger.")] = None,
    share: Annotated[
        float | None, typer.Option(help="Of applicants that it decides, up to 0.5; 0 for a shadow, the default.")
    ] = None,
    end: Annotated[bool, typer.Option("--end", help="Nothing challenges any more.")] = False,
    window: Annotated[int | None, typer.Option(help="Last decisions of both that the guard compares.")] = None,
    error_share: Annotated[float | None, typer.Option(help="Most of its requests that may fail.")] = None,
    latency_ratio: Annotated[float | None, typer.Option(help="Most its p95 may be of the champion's.")] = None,
    score_psi: Annotated[float | None, typer.Option(help="Most PSI of its PDs against the champion's.")] = None,
    approval_shift: Annotated[float | None, typer.Option(help="Most difference of the approval rates.")] = None,
    journal: JournalFolder = None,
) -> None:
    """Send a challenger, as a shadow or with a share of the applicants; without an option, say what challenges now."""
    card, workspace = load(scorecard), Workspace(scorecard, FULL)
    given = {
        "window": window,
        "error_share": error_share,
        "latency_ratio": latency_ratio,
        "score_psi": score_psi,
        "approval_shift": approval_shift,
    }
    bounds = {name: value for name, value in given.items() if value is not None}
    starts = version is not None or share is not None or bool(bounds)
    if end and starts:
        raise StageError("--end stands alone: it takes the challenge away")
    if end:
        done = f"{workspace.challenge} is gone" if stage.end(workspace) else "there was none"
        print_line("challenge", f"nothing challenges {scorecard}: {done}")
        _print_reload()
    elif starts:
        try:
            candidate, sent = stage.start(card, workspace, version, share or 0.0, Bounds.model_validate(bounds))
        except ValidationError as error:
            broken = "; ".join(f"--{item.field.replace('_', '-')}: {item.message}" for item in field_errors(error))
            raise StageError(broken) from None
        print_line("challenge", f"version {candidate.number}, {sent.model}, {_role(sent.share)}: {workspace.challenge}")
        print_line("challenge", f"id {sent.id}")
        _print_reload()
    else:
        _print_standing(card, workspace, journal_folder(scorecard, journal))


def _print_standing(card: Scorecard, workspace: Workspace, journal: Path) -> None:
    found = read_present_challenge(card, workspace, journal)
    if found is None:
        print_line(
            "challenge", f"nothing challenges {card.name}; to send a shadow: scorebox challenge {card.name} --share 0"
        )
        return
    sent = found.challenge
    print_line(
        "challenge", f"{sent.model} {_role(sent.share)}, id {sent.id}, sent {sent.made_at}: {workspace.challenge}"
    )
    if found.withdrawal is not None:
        print_warning("withdrawn", found.withdrawal)
        print_line("challenge", f"to give it another chance: scorebox challenge {card.name} --share {sent.share:g}")
    print_line("challenge", f"both on the same applications: scorebox compare {card.name}")
    print_line("challenge", f"to end it: scorebox challenge {card.name} --end")


def _role(share: float) -> str:
    return f"decides for {share:.4g} of the applicants" if share else "looks on"


def _print_reload() -> None:
    print_line("challenge", f"a service that runs takes it up by: {RELOAD}")
