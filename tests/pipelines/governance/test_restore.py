"""A machine without release and models takes them from the registry, and leaves the registry as it is."""

from __future__ import annotations

import shutil

import pytest
from bentoml._internal.configuration.containers import BentoMLContainer
from bentoml._internal.models import ModelStore

from pipelines.governance.registry import ChampionHistory
from scoring import models
from scoring.challenger.challenge import Challenge
from scoring.models import ModelStoreError, Release
from tests.pipelines.governed import CARD, Governed


@pytest.fixture
def bare(governed: Governed) -> Governed:
    """The project with its registry only: no release, nothing in the model store."""
    shutil.rmtree(governed.project.folder / "releases")
    empty = governed.project.folder / "empty"
    empty.mkdir()
    BentoMLContainer.model_store.set(ModelStore(empty))
    return governed


def test_release_and_models_of_the_champion_come_back(bare: Governed) -> None:
    code, printed = bare.run("restore", CARD.name)
    assert (code, printed.split()[0]) == (0, "restore")
    assert "version 1 is the champion: releases/card_default.json" in printed
    release = Release.read(bare.workspace.release)
    assert release == bare.registry.version(1).release
    for tag in release.tags.values():
        assert models.load(tag).record.tag == tag
    assert bare.registry.aliases() == {"champion": 1}


def test_the_registry_s_challenger_looks_on_where_that_is_asked_for(governed: Governed) -> None:
    number = governed.challenge(lambda pd: pd * 0.99)
    before = governed.registry.aliases()
    code, printed = governed.run("restore", CARD.name, "--shadow")
    assert code == 0, printed
    assert f"version {number} looks on" in printed
    challenge = Challenge.read(governed.workspace.challenge, CARD.name)
    assert challenge is not None
    assert (challenge.release, challenge.share) == (governed.registry.version(number).release, 0)
    assert governed.registry.aliases() == before


def test_where_nothing_challenges_an_old_challenge_is_taken_away(governed: Governed) -> None:
    number = governed.challenge(lambda pd: pd * 0.99)
    governed.run("restore", CARD.name, "--shadow")
    governed.registry.drop("challenger")
    code, printed = governed.run("restore", CARD.name, "--shadow")
    assert (code, number) == (0, 2)
    assert "has no challenger; nothing looks on" in printed
    assert not governed.workspace.challenge.exists()


def test_a_registry_without_a_champion_says_what_to_do(bare: Governed) -> None:
    bare.registry.drop("champion")
    code, printed = bare.run("restore", CARD.name)
    assert code == 1
    assert "card_default has no champion; run: scorebox promote card_default" in printed
    assert not bare.workspace.release.exists()


@pytest.mark.parametrize(
    "journal", [ChampionHistory(champions=[1], unfinished="promotion"), ChampionHistory(champions=[1, 2])]
)
def test_a_registry_amid_a_move_is_not_released_from(bare: Governed, journal: ChampionHistory) -> None:
    bare.registry.write_history(journal)
    code, printed = bare.run("restore", CARD.name)
    assert code == 1
    assert "the registry of card_default is amid a move" in printed
    with pytest.raises(ModelStoreError):
        Release.read(bare.workspace.release)
