"""Promotion and rollback: which registered version is champion, and the release that follows it."""

from __future__ import annotations

from typing import NamedTuple

from pipelines.governance.candidate_gates import Promotion, judge_candidate
from pipelines.governance.challenge import end_if_champion
from pipelines.governance.push import pushed_version
from pipelines.governance.registry import CHALLENGER, CHAMPION, ChampionHistory, Move, Registry
from pipelines.governance.versions import Registered
from pipelines.params import Params
from pipelines.workspace import Workspace
from scoring.files import check_replaceable, write_atomically
from scoring.models import ModelStoreError, Release
from scoring.moment import now_to_the_second
from scoring.scorecard import Scorecard
from training.errors import StageError
from training.evaluation.checks import failed

ROLLED_BACK = "rolled back"
"""How the tag `promotion` of a version begins that a rollback took from the champion's place."""


class Moved(NamedTuple):
    """The champion that serves now, what had to be repaired first, and the gates where they were judged."""

    champion: Registered | None
    repaired: list[str]
    promotion: Promotion | None = None


def promote(scorecard: Scorecard, workspace: Workspace, params: Params, number: int | None = None) -> Moved:
    """Judge the candidate, by default the challenger, and make it champion if every gate holds.

    Writes `reports/promotion.json` in either case. A candidate that is the champion already stays so.

    Raises:
        StageError: there is no candidate, its test rows are not there, or it was rolled back and is
            not asked for by number.
        OSError: the release cannot be written; alias and history are as they were.
    """
    registry = Registry(scorecard)
    repaired, _ = settle(registry, workspace)
    champion = registry.at(CHAMPION)
    candidate = registry.version(number) if number else registry.at(CHALLENGER)
    if candidate is None and champion and champion.release.version == pushed_version(workspace):
        candidate = champion
    if candidate is None:
        raise StageError(f"{scorecard.name} has no challenger; run: scorebox push {scorecard.name}")
    if champion and champion.number == candidate.number:
        _follow(registry, champion, workspace)
        return Moved(champion, repaired)
    judged = candidate.tags.promotion or ""
    if champion and number is None and judged.startswith(ROLLED_BACK):
        raise StageError(
            f"version {candidate.number} of {scorecard.name} was {judged}; version "
            f"{champion.number} stays champion and serves; for the other one: "
            f"scorebox promote {scorecard.name} --version {candidate.number}"
        )
    promotion = judge_candidate(registry, scorecard, workspace, params, candidate, champion)
    write_atomically(workspace.promotion, promotion.model_dump_json(indent=2) + "\n")
    if not promotion.promoted:
        refusal = f"refused {promotion.decided_at}: {', '.join(failed(promotion.gates))}"
        registry.tag(candidate.number, "promotion", refusal)
        return Moved(champion, repaired, promotion)
    check_replaceable(workspace.release)
    registry.tag(candidate.number, "promotion", f"promoted {promotion.decided_at}")
    # An alias that was set by hand is a champion too.
    before = registry.champion_history().champions or ([champion.number] if champion else [])
    _move(registry, workspace, ChampionHistory(champions=[*before, candidate.number], unfinished="promotion"))
    return Moved(candidate, repaired, promotion)


def candidate_profile(scorecard: Scorecard, number: int | None) -> str | None:
    """Return the profile that made a version, by default the challenger; None if there is no challenger.

    Raises:
        StageError: there is no such version.
    """
    registry = Registry(scorecard)
    candidate = registry.version(number) if number else registry.at(CHALLENGER)
    return candidate.tags.profile if candidate else None


def rollback(scorecard: Scorecard, workspace: Workspace) -> Moved:
    """Make the version before the champion the champion again.

    A rollback that was interrupted is finished, and no more than that.

    Raises:
        StageError: there is none before it.
        OSError: the release cannot be written; alias and history are as they were.
    """
    registry = Registry(scorecard)
    repaired, finished = settle(registry, workspace)
    history = registry.champion_history()
    if finished != "rollback":
        if len(history.champions) < 2:
            raise StageError(f"{scorecard.name} has no champion before the present one")
        check_replaceable(workspace.release)
        registry.tag(history.champions[-1], "promotion", f"{ROLLED_BACK} {now_to_the_second()}")
        history = ChampionHistory(champions=history.champions[:-1], unfinished="rollback")
        _move(registry, workspace, history)
    return Moved(registry.version(history.champions[-1]), repaired)


def settle(registry: Registry, workspace: Workspace) -> tuple[list[str], Move | None]:
    """Finish a move that was interrupted, and bring alias and release back to the history's champion.

    Returns:
        What was repaired, and which move was finished, if one was.
    """
    history = registry.champion_history()
    differences = find_differences(registry, workspace)
    if history.unfinished:
        differences.insert(0, f"a {history.unfinished} of version {history.champions[-1]} was interrupted")
    if differences:
        check_replaceable(workspace.release)
        _move(registry, workspace, history)
    return differences, history.unfinished


def find_differences(registry: Registry, workspace: Workspace) -> list[str]:
    """Return the disagreements among history, alias and release, in words; empty when all is well."""
    history = registry.champion_history()
    if not history.champions:
        return []
    number = history.champions[-1]
    expected = registry.version(number).release
    alias = registry.aliases().get(CHAMPION)
    found = (
        [] if alias == number else [f"the alias {CHAMPION} is at version {alias}, the champion history says {number}"]
    )
    try:
        release = Release.read(workspace.release)
    except ModelStoreError:
        release = None
    if release is None or not release.is_same_as(expected):
        held = f"names {release.version}" if release else "cannot be read"
        found.append(f"{workspace.release} {held}, the champion is {expected.version}")
    return found


def _move(registry: Registry, workspace: Workspace, history: ChampionHistory) -> None:
    """Write history, then alias, then release: `settle` finds and finishes what is interrupted."""
    champion = registry.version(history.champions[-1])
    registry.restore(champion)
    registry.write_history(history)
    registry.point(CHAMPION, champion.number)
    _follow(registry, champion, workspace)
    registry.write_history(ChampionHistory(champions=history.champions))


def _follow(registry: Registry, champion: Registered, workspace: Workspace) -> None:
    registry.restore(champion)
    champion.release.write(workspace.release)
    end_if_champion(workspace, champion.release)
    registry.end_challenge(champion.number)
