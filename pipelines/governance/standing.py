"""What challenges the champion now: the file that the service follows, and whether its guard has withdrawn it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pipelines.workspace import Workspace
from scoring.challenger.challenge import Challenge
from scoring.challenger.split import WITHDRAWAL_FILE, Withdrawal
from scoring.scorecard import Scorecard


@dataclass(frozen=True)
class Standing:
    """What challenges now."""

    challenge: Challenge
    withdrawal: str | None
    """Why it has lost its share."""


def standing(scorecard: Scorecard, workspace: Workspace, journal: Path) -> Standing | None:
    """What challenges now; None if nothing does.

    Raises:
        ModelStoreError: the file is not a challenge of this scorecard.
    """
    challenge = Challenge.read(workspace.challenge, scorecard.name)
    if challenge is None:
        return None
    withdrawal = Withdrawal.of(challenge, journal / WITHDRAWAL_FILE) if challenge.share else None
    return Standing(challenge, withdrawal)
