"""The model store, and the challenger in the registry."""

from __future__ import annotations

from pipelines.cli.console import print_line
from pipelines.cli.options import ProfileName, ScorecardName, workspace_of
from pipelines.governance import push as stage
from scoring.scorecards import load


def push(scorecard: ScorecardName, profile: ProfileName = None) -> None:
    """Put the variants into the model store, and the model into the registry as the challenger."""
    push_and_print(scorecard, profile)


def push_and_print(scorecard: str, profile: str | None) -> stage.Pushed:
    """Push, and print what was done."""
    pushed = stage.push(load(scorecard), workspace_of(scorecard, profile))
    for tag in pushed.tags:
        print_line("push", f"{tag} {'pushed' if tag in pushed.added else 'is in the store already'}")
    done = "registered" if pushed.is_new else "is registered already"
    role = "the champion already" if pushed.is_champion else "the challenger"
    print_line("push", f"version {pushed.registered.number} of {scorecard} {done}; it is {role}")
    return pushed
