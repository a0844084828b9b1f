"""What decides which model serves: verification, the model card, the registry, promotion and rollback."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape
from rich.table import Table

from pipelines.cli.console import ProfileName, ScorecardName, app, console, say
from pipelines.workspace import Workspace
from scoring.scorecards import load
from training.errors import StageError

if TYPE_CHECKING:
    from training.evaluation.checks import Check


WIDE = 140
"""Columns of a window that has room for what each check is about."""


@app.command()
def verify(scorecard: ScorecardName, profile: ProfileName = "full") -> None:
    """Check the trained model on the test rows against the limits of params.yaml."""
    from pipelines.params import read_params
    from pipelines.stages.verify import verify as run
    from training.evaluation.checks import failed

    workspace = Workspace(scorecard, profile)
    result = run(load(scorecard), workspace, read_params())
    _show(f"{scorecard}: {result.serving} on {result.rows:,} test rows", result.checks)
    written = workspace.reports / "verification.json"
    if not result.holds:
        raise StageError(f"{scorecard} fails {', '.join(failed(result.checks))}: {written}")
    say("verify", f"every check holds: {written}")


@app.command()
def card(scorecard: ScorecardName, profile: ProfileName = "full") -> None:
    """Write the model card, as Markdown and as one HTML file."""
    from pipelines.params import read_params
    from pipelines.stages.card import card as run

    say("card", str(run(load(scorecard), Workspace(scorecard, profile), read_params().scorecard(scorecard))))


@app.command()
def push(scorecard: ScorecardName, profile: ProfileName = "full") -> None:
    """Put the variants into the model store, and the model into the registry as the challenger."""
    from pipelines.governance.push import push as run

    pushed = run(load(scorecard), Workspace(scorecard, profile))
    for tag in pushed.tags:
        say("push", f"{tag} {'pushed' if tag in pushed.added else 'is in the store already'}")
    done = "registered" if pushed.is_new else "is registered already"
    say("push", f"version {pushed.registered.number} of {scorecard} {done}; it is the challenger")


@app.command()
def promote(
    scorecard: ScorecardName,
    profile: ProfileName = "full",
    version: Annotated[int | None, typer.Option("--version", min=1, help="The candidate; else the challenger.")] = None,
) -> None:
    """Make the challenger the champion if it holds every gate on the test rows; the service follows it."""
    from pipelines.governance.promote import promote as run
    from pipelines.params import read_params
    from training.evaluation.checks import failed

    workspace = Workspace(scorecard, profile)
    moved = run(load(scorecard), workspace, read_params().scorecard(scorecard), version)
    _say_repaired("promote", moved.repaired)
    if (promotion := moved.promotion) is None:
        assert moved.champion
        say("promote", f"version {moved.champion.number} is the champion already: {workspace.release}")
        return
    champion = promotion.champion
    beside = f" beside the champion, version {champion.version}" if champion else ", the first of this scorecard"
    _show(f"{scorecard}: version {promotion.candidate.version}{beside}, {promotion.rows:,} test rows", promotion.gates)
    if champion:
        say("promote", promotion.comparison)
    written = workspace.reports / "promotion.json"
    if not promotion.promoted:
        stays = f"version {champion.version} stays champion and serves" if champion else "there is no champion"
        gates = ", ".join(failed(promotion.gates))
        raise StageError(f"version {promotion.candidate.version} of {scorecard} fails {gates}; {stays}: {written}")
    say("promote", f"version {promotion.candidate.version} is the champion: {written}")
    say("promote", f"{promotion.candidate.model} serves: {workspace.release}")


@app.command()
def rollback(scorecard: ScorecardName) -> None:
    """Make the version before the champion the champion again; the service follows it."""
    from pipelines.governance.promote import rollback as run

    workspace = Workspace(scorecard, "full")
    moved = run(load(scorecard), workspace)
    _say_repaired("rollback", moved.repaired)
    assert moved.champion
    say("rollback", f"version {moved.champion.number} is the champion again: {workspace.release}")


@app.command()
def restore(
    scorecard: ScorecardName,
    shadow: Annotated[bool, typer.Option("--shadow", help="Let the registry's challenger, if any, look on.")] = False,
) -> None:
    """Take release and models of the champion from the registry, on a machine that has neither."""
    from pipelines.governance.restore import restore as run

    workspace = Workspace(scorecard, "full")
    restored = run(load(scorecard), workspace, shadow=shadow)
    say("restore", f"version {restored.champion.number} is the champion: {workspace.release}")
    if restored.shadow:
        say("restore", f"version {restored.shadow.number} looks on: {workspace.challenge}")
    elif shadow:
        say("restore", f"{scorecard} has no challenger; nothing looks on")


@app.command()
def registry(scorecard: ScorecardName) -> None:
    """List the registered versions, and say where alias and release disagree."""
    from pipelines.governance.promote import find_differences
    from pipelines.governance.registry import Registry

    known = Registry(load(scorecard))
    aliases = known.aliases()
    table = Table(title=f"{scorecard}: registered versions", title_justify="left")
    # In a narrow window only the last column, which has whole sentences, goes over several lines.
    heads = ("version", "alias", "store", "data", "AUC", "verdicts")
    for head in heads:
        table.add_column(head, no_wrap=head != heads[-1])
    for item in known.versions():
        table.add_row(
            str(item.number),
            ", ".join(alias for alias, number in aliases.items() if number == item.number),
            f"{item.tags['store_version']} {item.tags['serving']}",
            item.tags["data"],
            item.tags["test_auc"][:6],
            f"verification {item.tags['verification']}; {item.tags.get('promotion', 'not judged yet')}",
        )
    console.print(table)
    say("registry", f"champions in order: {', '.join(map(str, known.journal().champions)) or 'none yet'}")
    for difference in find_differences(known, Workspace(scorecard, "full")):
        console.print(f"[bold yellow]differs[/] {escape(difference)}; `scorebox promote` repairs it", soft_wrap=True)


def _say_repaired(stage: str, repaired: list[str]) -> None:
    for difference in repaired:
        console.print(f"[bold yellow]repaired[/] {escape(difference)}", soft_wrap=True)
    if repaired:
        say(stage, "alias and release are at the champion again")


def _show(title: str, checks: Mapping[str, Check]) -> None:
    # What a check is about stands in the file too; in a narrow window only there.
    wide = console.width >= WIDE
    table = Table(title=title, title_justify="left")
    for head in ("gate", *(["what"] if wide else []), "value", "limit", "verdict"):
        table.add_column(head, no_wrap=head != "what")
    for name, check in checks.items():
        verdict = "[green]holds[/]" if check.holds else "[bold red]FAILS[/]"
        what = [escape(check.what)] if wide else []
        table.add_row(escape(name), *what, f"{check.value:.5g}", f"{check.rule} {check.limit:.5g}", verdict)
    console.print(table)
