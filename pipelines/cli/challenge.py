"""Champion and challenger: who challenges, and how the two compare."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from pydantic import ValidationError
from rich.markup import escape

from pipelines.cli.console import ProfileName, ScorecardName, app, console, say
from pipelines.cli.journal import JournalFolder, journal_folder
from pipelines.workspace import Workspace
from scoring.challenger.challenge import Bounds
from scoring.errors import field_errors
from scoring.scorecard import Scorecard
from scoring.scorecards import load
from training.errors import StageError

RELOAD = 'curl -X POST http://127.0.0.1:3000/reload -H "Authorization: Bearer $SCOREBOX_RELOAD_TOKEN"'


@app.command()
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
    from pipelines.governance import challenge as stage

    card, workspace = load(scorecard), Workspace(scorecard, "full")
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
        say("challenge", f"nothing challenges {scorecard}: {done}")
        _say_reload()
    elif starts:
        try:
            candidate, sent = stage.start(card, workspace, version, share or 0.0, Bounds.model_validate(bounds))
        except ValidationError as error:
            broken = "; ".join(f"--{item.field.replace('_', '-')}: {item.message}" for item in field_errors(error))
            raise StageError(broken) from None
        say("challenge", f"version {candidate.number}, {sent.model}, {_role(sent.share)}: {workspace.challenge}")
        say("challenge", f"id {sent.id}")
        _say_reload()
    else:
        _say_standing(card, workspace, journal_folder(scorecard, journal))


@app.command()
def compare(
    scorecard: ScorecardName,
    journal: JournalFolder = None,
    since: Annotated[str | None, typer.Option(help="The earliest decision, ISO 8601, UTC.")] = None,
    until: Annotated[str | None, typer.Option(help="The time before which decisions were made.")] = None,
    outcomes: Annotated[
        Path | None, typer.Option(help="Labels, CSV or Parquet: decision_id, defaulted; else the recorded ones.")
    ] = None,
    fail: Annotated[bool, typer.Option("--fail", help="Exit code 1 beyond --flips or --psi.")] = False,
    flips: Annotated[float, typer.Option(help="Most decisions that may differ, as a share.")] = 0.1,
    psi: Annotated[float, typer.Option(help="Most PSI of the challenger's PDs against the champion's.")] = 0.25,
    profile: ProfileName = "full",
) -> None:
    """Compare champion and challenger on the applications that both have scored."""
    from pipelines.params import read_params
    from pipelines.watch.compare import run

    workspace = Workspace(scorecard, profile)
    compared = run(
        load(scorecard),
        workspace,
        read_params(),
        journal_folder(scorecard, journal),
        since=since,
        until=until,
        outcomes=outcomes,
    )
    say("compare", f"{compared.challenger} beside {compared.champion}")
    say("compare", compared.verdict)
    say("compare", f"{workspace.comparison.with_suffix('.md')}, {workspace.comparison}")
    found = compared.comparison
    if fail and (found.flips.share > flips or found.psi > psi):
        raise StageError(
            f"{found.flips.share:.2%} of decisions differ, at most {flips:.2%} may; "
            f"PSI {found.psi:.4f}, at most {psi:g}"
        )


def _say_standing(card: Scorecard, workspace: Workspace, journal: Path) -> None:
    from pipelines.governance.standing import standing

    found = standing(card, workspace, journal)
    if found is None:
        say("challenge", f"nothing challenges {card.name}; to send a shadow: scorebox challenge {card.name} --share 0")
        return
    sent = found.challenge
    say("challenge", f"{sent.model} {_role(sent.share)}, id {sent.id}, sent {sent.made_at}: {workspace.challenge}")
    if found.withdrawal is not None:
        console.print(f"[bold yellow]withdrawn[/] {escape(found.withdrawal)}", soft_wrap=True)
        say("challenge", f"to give it another chance: scorebox challenge {card.name} --share {sent.share:g}")
    say("challenge", f"both on the same applications: scorebox compare {card.name}")
    say("challenge", f"to end it: scorebox challenge {card.name} --end")


def _role(share: float) -> str:
    return f"decides for {share:.4g} of the applicants" if share else "looks on"


def _say_reload() -> None:
    say("challenge", f"a service that runs takes it up by: {RELOAD}")
