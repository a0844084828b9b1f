"""The registry: which version of a model is challenger, and which is champion and serves."""

from __future__ import annotations

from typing import Annotated

import typer

from pipelines.cli.checks import print_checks
from pipelines.cli.console import print_line, print_warning
from pipelines.cli.options import ProfileName, ScorecardName, workspace_of
from pipelines.cli.tables import AsJson, Column, print_json, print_table
from pipelines.governance import promote as promotion
from pipelines.governance.registry import Registry
from pipelines.governance.restore import restore as restore_champion
from pipelines.governance.versions import Registered
from pipelines.params import read_params
from pipelines.workspace import FULL, Workspace
from scoring.scorecards import load
from training.errors import StageError
from training.evaluation.checks import failed

FOREIGN = "foreign: scorebox push did not register it, and no command touches it"


def promote(
    scorecard: ScorecardName,
    profile: ProfileName = None,
    version: Annotated[int | None, typer.Option("--version", min=1, help="The candidate; else the challenger.")] = None,
    as_json: AsJson = False,
) -> None:
    """Make the challenger the champion if it holds every gate on the test rows; the service follows it."""
    card = load(scorecard)
    if profile is None and (profile := promotion.candidate_profile(card, version)):
        print_line("profile", f"{profile} (the candidate's)")
    workspace = workspace_of(scorecard, profile)
    moved = promotion.promote(card, workspace, read_params(), version)
    _print_repaired("promote", moved.repaired)
    if (judged := moved.promotion) is None:
        assert moved.champion
        print_line("promote", f"version {moved.champion.number} is the champion already: {workspace.release}")
        return
    champion, candidate = judged.champion, judged.candidate
    rival = f"next to the champion, version {champion.version}" if champion else "the first of this scorecard"
    if as_json:
        print_json(judged)
    else:
        print_checks(f"{scorecard}: version {candidate.version}, {rival}, {judged.rows:,} test rows", judged.gates)
    if champion:
        print_line("promote", judged.comparison)
    written = workspace.promotion
    if not judged.promoted:
        stays = f"version {champion.version} stays champion and serves" if champion else "there is no champion"
        gates = ", ".join(failed(judged.gates))
        raise StageError(f"version {candidate.version} of {scorecard} fails {gates}; {stays}: {written}")
    print_line("promote", f"version {candidate.version} is the champion: {written}")
    print_line("promote", f"{candidate.model} serves: {workspace.release}")


def rollback(scorecard: ScorecardName) -> None:
    """Make the version before the champion the champion again; the service follows it."""
    workspace = Workspace(scorecard, FULL)
    moved = promotion.rollback(load(scorecard), workspace)
    _print_repaired("rollback", moved.repaired)
    assert moved.champion
    print_line("rollback", f"version {moved.champion.number} is the champion again: {workspace.release}")


def restore(
    scorecard: ScorecardName,
    shadow: Annotated[bool, typer.Option("--shadow", help="Let the registry's challenger, if any, look on.")] = False,
) -> None:
    """Take release and models of the champion from the registry, on a machine that has neither."""
    workspace = Workspace(scorecard, FULL)
    restored = restore_champion(load(scorecard), workspace, shadow=shadow)
    print_line("restore", f"version {restored.champion.number} is the champion: {workspace.release}")
    if restored.shadow:
        print_line("restore", f"version {restored.shadow.number} looks on: {workspace.challenge}")
    elif shadow:
        print_line("restore", f"{scorecard} has no challenger; nothing looks on")


def registry(scorecard: ScorecardName, as_json: AsJson = False) -> None:
    """List the registered versions, and say where alias and release disagree."""
    known = Registry(load(scorecard))
    aliases = known.aliases()
    names = {number: [alias for alias, at in aliases.items() if at == number] for number in known.all_versions()}
    champions = known.champion_history().champions
    differences = promotion.find_differences(known, Workspace(scorecard, FULL))
    if as_json:
        versions = [
            {"version": number, "aliases": names[number], "foreign": item is None, "tags": item.tags if item else None}
            for number, item in known.all_versions().items()
        ]
        print_json({"scorecard": scorecard, "versions": versions, "champions": champions, "differences": differences})
    else:
        print_table(
            f"{scorecard}: registered versions",
            ["version", "alias", "store", "data", "AUC", Column("verdicts", has_sentences=True)],
            [
                (str(number), ", ".join(names[number]), *(_columns(item) if item else ("", "", "", FOREIGN)))
                for number, item in known.all_versions().items()
            ],
        )
    print_line("registry", f"champions in order: {', '.join(map(str, champions)) or 'none yet'}")
    for difference in differences:
        print_warning("differs", f"{difference}; `scorebox promote` repairs it")


def _columns(item: Registered) -> tuple[str, str, str, str]:
    tags = item.tags
    verification = tags.verification or "unknown: run scorebox push where it was trained"
    return (
        f"{tags.store_version} {tags.serving}",
        tags.data,
        "" if tags.test_auc is None else f"{tags.test_auc:.4f}",
        f"verification {verification}; {tags.promotion or 'not judged yet'}",
    )


def _print_repaired(stage: str, repaired: list[str]) -> None:
    for difference in repaired:
        print_warning("repaired", difference)
    if repaired:
        print_line(stage, "alias and release are at the champion again")
