"""scorebox challenge: who is sent, who may decide, and how it ends."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from scoring.challenger.challenge import Challenge
from scoring.challenger.split import Withdrawal
from tests.pipelines.governed import CARD, Governed

RELOAD = 'curl -X POST http://127.0.0.1:3000/reload -H "Authorization: Bearer $SCOREBOX_RELOAD_TOKEN"'


def a_little_higher(pd: float) -> float:
    return pd * 1.01


def sent(governed: Governed) -> Challenge | None:
    return Challenge.read(governed.workspace.challenge, CARD.name)


def test_a_challenge_begins_is_asked_after_and_ends(governed: Governed, tmp_path: Path) -> None:
    code, printed = governed.run("challenge", CARD.name)
    assert (code, sent(governed)) == (0, None)
    assert f"nothing challenges card_default; to send a shadow: scorebox challenge {CARD.name} --share 0" in printed
    code, printed = governed.run("challenge", CARD.name, "--share", "0")
    assert code == 1
    assert "card_default has no challenger; run: scorebox push card_default" in printed
    code, printed = governed.run("challenge", CARD.name, "--version", "1")
    assert code == 1
    assert "version 1 of card_default is the champion" in printed

    number = governed.challenge(a_little_higher)
    release = governed.registry.version(number).release
    code, printed = governed.run("challenge", CARD.name, "--share", "0")
    assert code == 0, printed
    assert RELOAD in printed
    shadow = sent(governed)
    assert shadow is not None
    assert (shadow.release, shadow.share) == (release, 0)
    assert "looks on" in governed.run("challenge", CARD.name)[1]

    code, printed = governed.run(
        "challenge", CARD.name, "--version", str(number), "--share", "0.1", "--score-psi", "0.5"
    )
    assert code == 0, printed
    first = sent(governed)
    assert first is not None
    assert (first.share, first.bounds.score_psi, first.bounds.approval_shift) == (0.1, 0.5, 0.1)
    assert first.id != shadow.id

    journal = tmp_path / "decisions"
    journal.mkdir()
    withdrawal = Withdrawal(
        challenge=first.id, model=first.model, measure="score_psi", value=0.9, bound=0.5, withdrawn_at="2026-11-21"
    )
    (journal / "withdrawn.json").write_text(withdrawal.model_dump_json())
    printed = governed.run("challenge", CARD.name, "--journal", str(journal))[1]
    assert f"withdrawn {first.model} lost its share at 2026-11-21: score_psi was 0.9 beyond chance" in printed
    assert f"to give it another chance: scorebox challenge {CARD.name} --share 0.1" in printed
    assert governed.run("challenge", CARD.name, "--share", "0.1")[0] == 0
    printed = governed.run("challenge", CARD.name, "--journal", str(journal))[1]
    assert "withdrawn" not in printed, "another id, another chance"

    assert governed.run("challenge", CARD.name, "--end")[0] == 0
    assert sent(governed) is None
    code, printed = governed.run("challenge", CARD.name, "--end")
    assert code == 0
    assert "there was none" in printed


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--share", "0.6"], "--share: Input should be less than or equal to 0.5"),
        (["--window", "5"], "--window: Input should be greater than or equal to 200"),
        (["--end", "--share", "0"], "--end stands alone"),
        (["--version", "7"], "card_default has no version 7 in the registry"),
    ],
)
def test_wrong_options_are_one_line(governed: Governed, options: list[str], says: str) -> None:
    governed.registry.point("challenger", 1)
    governed.registry.drop("champion")
    governed.registry.point("champion", 1)
    if "--share" in options and "--end" not in options:
        governed.challenge(a_little_higher)
    code, printed = governed.run("challenge", CARD.name, *options)
    assert code == 1
    assert says in printed
    assert sent(governed) is None


def test_one_that_fails_verification_may_look_on_but_not_decide(governed: Governed) -> None:
    number = governed.challenge(a_little_higher)
    governed.registry.tag(number, "verification", "fails brier")
    code, printed = governed.run("challenge", CARD.name, "--share", "0.1")
    assert code == 1
    assert f"version {number} may not decide: its verification says: fails brier; --share 0 lets it look on" in printed
    assert governed.run("challenge", CARD.name, "--share", "0")[0] == 0
    governed.registry.tag(number, "verification", "holds")
    governed.registry.tag(1, "data", "real data")
    code, printed = governed.run("challenge", CARD.name, "--share", "0.1")
    assert code == 1
    assert "it is of SAMPLE DATA, the champion is not" in printed


def test_promotion_and_rollback_end_the_challenge_of_whoever_becomes_champion(governed: Governed) -> None:
    number = governed.challenge(a_little_higher)
    governed.run("challenge", CARD.name, "--share", "0.1")
    assert governed.run("promote", CARD.name)[0] == 0
    assert governed.registry.aliases() == {"champion": number}
    assert sent(governed) is None
    assert governed.run("challenge", CARD.name, "--version", "1")[0] == 0
    before = sent(governed)
    assert governed.run("promote", CARD.name, "--version", str(number))[0] == 0
    assert sent(governed) == before, "of another version"
    assert governed.run("rollback", CARD.name)[0] == 0
    assert sent(governed) is None


def test_a_challenge_that_cannot_be_read_hinders_nobody_but_who_asks_for_it(governed: Governed) -> None:
    governed.challenge(a_little_higher)
    governed.workspace.challenge.write_text(json.dumps({"id": "c"}))
    code, printed = governed.run("challenge", CARD.name)
    assert code == 1
    assert "is not a challenge: release: Field required" in printed
    assert "scorebox challenge card_default --end" in printed
    assert governed.run("promote", CARD.name)[0] == 0
    assert governed.run("challenge", CARD.name, "--end")[0] == 0
