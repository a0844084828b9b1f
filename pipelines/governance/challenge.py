"""Which challenger meets the champion: the file that the service follows."""

from __future__ import annotations

from contextlib import suppress

from uuid_utils import uuid7

from pipelines.governance.registry import CHALLENGER, CHAMPION, Registry
from pipelines.governance.versions import Registered
from pipelines.workspace import Workspace
from scoring.challenger.challenge import Bounds, Challenge
from scoring.files import remove_file
from scoring.models import ModelStoreError, Release
from scoring.moment import now_to_the_second
from scoring.scorecard import Scorecard
from training.errors import StageError
from training.evaluation.promotion import HOLDS
from training.sources import SAMPLE


def start(
    scorecard: Scorecard, workspace: Workspace, number: int | None, share: float, bounds: Bounds
) -> tuple[Registered, Challenge]:
    """Send a registered version, by default the registry's challenger, against the champion.

    Every call makes another id, so one that the guard has withdrawn gets its share again.

    Args:
        scorecard: the product.
        workspace: where the challenge is written.
        number: of the version.
        share: of applicants that it decides, 0 to 0.5.
        bounds: within which it does.

    Raises:
        StageError: there is no champion or no such version, it is the champion itself, or it may not decide.
        ModelStoreError: the registry's bytes are not the recorded ones.
        ValidationError: the share is not one.
    """
    registry = Registry(scorecard)
    champion = registry.at(CHAMPION)
    if champion is None:
        raise StageError(f"{scorecard.name} has no champion to challenge; run: scorebox promote {scorecard.name}")
    candidate = registry.version(number) if number else registry.at(CHALLENGER)
    if candidate is None:
        raise StageError(f"{scorecard.name} has no challenger; run: scorebox push {scorecard.name}")
    if candidate.number == champion.number:
        raise StageError(
            f"version {candidate.number} of {scorecard.name} is the champion; choose another one with --version"
        )
    if share:
        _check(candidate, champion)
    registry.restore(candidate)
    challenge = Challenge(
        id=str(uuid7()), release=candidate.release, share=share, bounds=bounds, made_at=now_to_the_second()
    )
    challenge.write(workspace.challenge)
    return candidate, challenge


def end(workspace: Workspace) -> bool:
    """Delete the challenge, whatever is in the file; return False if there was none."""
    return remove_file(workspace.challenge)


def end_if_champion(workspace: Workspace, champion: Release) -> None:
    """Delete the challenge of a version that has become champion: it cannot challenge itself."""
    # A file that cannot be read is for `scorebox challenge` to say; the champion serves in any case.
    with suppress(ModelStoreError):
        challenge = Challenge.read(workspace.challenge, champion.scorecard)
        if challenge is not None and challenge.release.version == champion.version:
            end(workspace)


def _check(candidate: Registered, champion: Registered) -> None:
    """Check that a version may decide about applicants; a shadow may be anything.

    Raises:
        StageError: it may not.
    """
    reason = None
    if (verification := candidate.require("verification")) != HOLDS:
        reason = f"its verification says: {verification}"
    elif candidate.tags.data == SAMPLE and champion.tags.data != SAMPLE:
        reason = f"it is of {SAMPLE}, the champion is not"
    if reason is not None:
        raise StageError(f"version {candidate.number} may not decide: {reason}; --share 0 lets it look on")
