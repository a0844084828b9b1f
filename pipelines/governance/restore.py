"""Release and models of the champion, for a machine that has neither: the first step of a release."""

from __future__ import annotations

from dataclasses import dataclass

from pipelines.governance.challenge import end, end_if_champion, start
from pipelines.governance.registry import CHALLENGER, CHAMPION, Registry
from pipelines.governance.versions import Registered
from pipelines.workspace import Workspace
from scoring.challenger.challenge import Bounds
from scoring.scorecard import Scorecard
from training.errors import StageError


@dataclass(frozen=True)
class Restored:
    """The champion whose release and models are there now, and the challenger that shadows it, if one does."""

    champion: Registered
    shadow: Registered | None


def restore(scorecard: Scorecard, workspace: Workspace, *, shadow: bool = False) -> Restored:
    """Write the champion's release and put its models into the store; the registry is only read.

    Args:
        scorecard: the product.
        workspace: where release and challenge are written.
        shadow: whether the registry's challenger looks on; where there is none, no challenge is left.

    Raises:
        StageError: there is no champion, or the registry is amid a move.
        ModelStoreError: the registry's bytes are not the recorded ones.
    """
    registry = Registry(scorecard)
    aliases, history = registry.aliases(), registry.champion_history()
    if CHAMPION not in aliases:
        raise StageError(f"{scorecard.name} has no champion; run: scorebox promote {scorecard.name}")
    if history.unfinished or history.champions[-1:] != [aliases[CHAMPION]]:
        raise StageError(
            f"the registry of {scorecard.name} is amid a move; where models are promoted, run: "
            f"scorebox registry {scorecard.name}"
        )
    champion = registry.version(aliases[CHAMPION])
    registry.restore(champion)
    champion.release.write(workspace.release)
    end_if_champion(workspace, champion.release)
    if not shadow:
        return Restored(champion, None)
    challenger = registry.at(CHALLENGER)
    if challenger is None or challenger.number == champion.number:
        end(workspace)
        return Restored(champion, None)
    start(scorecard, workspace, challenger.number, 0.0, Bounds())
    return Restored(champion, challenger)
