from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from inline_snapshot import snapshot
from pydantic import ValidationError

from scoring.policy import Assumptions, CutoffPolicy, PolicyError, SearchBasis, StatedBasis
from scoring.scorecards import load

CARD = load("card_default")
BASIS = SearchBasis(
    assumptions=Assumptions(loss_given_default=0.75, margin=0.25, lowest_approval_rate=0.5),
    model="card_default:1-fp32",
    graph_sha256="a" * 64,
    data_sha256="b" * 64,
    rows_sha256="c" * 64,
    rows=6_000,
    expected_profit=0.09,
    approval_rate=0.75,
    expected_bad_rate=0.125,
)
POLICY = CutoffPolicy(scorecard=CARD.name, cutoff=0.25, basis=BASIS, made_at="2026-11-21T02:14:36+00:00")
FLOATS = st.floats(0.0, 1.0, exclude_min=True, exclude_max=True)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "releases" / "card_default.policy.json"


def test_a_policy_s_file_says_its_id_and_everything_that_it_stands_on(path: Path) -> None:
    POLICY.write(path)
    assert json.loads(path.read_text()) == snapshot(
        {
            "id": "card_default-b146e0528cdc",
            "scorecard": "card_default",
            "cutoff": 0.25,
            "basis": {
                "kind": "search",
                "assumptions": {"loss_given_default": 0.75, "margin": 0.25, "lowest_approval_rate": 0.5},
                "model": "card_default:1-fp32",
                "graph_sha256": "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
                "data_sha256": "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb",
                "rows_sha256": "cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc",
                "rows": 6000,
                "expected_profit": 0.09,
                "approval_rate": 0.75,
                "expected_bad_rate": 0.125,
            },
            "made_at": "2026-11-21T02:14:36+00:00",
        }
    )
    assert CutoffPolicy.read(path, CARD) == POLICY


@given(cutoff=FLOATS, margin=FLOATS, loss=FLOATS)
def test_every_policy_comes_back_from_its_file(
    tmp_path_factory: pytest.TempPathFactory, cutoff: float, margin: float, loss: float
) -> None:
    basis = BASIS.model_copy(update={"assumptions": Assumptions(loss_given_default=loss, margin=margin)})
    policy = POLICY.model_copy(update={"cutoff": cutoff, "basis": basis})
    path = tmp_path_factory.mktemp("policy") / "policy.json"
    policy.write(path)
    assert CutoffPolicy.read(path, CARD) == policy
    assert CutoffPolicy.read(path, CARD).id == policy.id


def test_the_same_policy_made_twice_has_one_id() -> None:
    later = POLICY.model_copy(update={"made_at": "2027-01-01T00:00:00+00:00"})
    assert later != POLICY
    assert later.id == POLICY.id


def changed(**changes: Any) -> dict[str, Any]:
    content: dict[str, Any] = POLICY.model_dump(mode="json")
    for name, value in changes.items():
        part = content
        *parents, last = name.split("__")
        for parent in parents:
            part = part[parent]
        assert part[last] != value
        part[last] = value
    return content


CHANGES: list[dict[str, Any]] = [
    {"scorecard": "german_credit"},
    {"cutoff": 0.26},
    {"basis": {"kind": "hand", "reason": "The committee's."}},
    {"basis__assumptions__loss_given_default": 0.5},
    {"basis__assumptions__margin": 0.5},
    {"basis__assumptions__lowest_approval_rate": 0.0},
    {"basis__model": "card_default:2-fp32"},
    {"basis__graph_sha256": "d" * 64},
    {"basis__data_sha256": "d" * 64},
    {"basis__rows_sha256": "d" * 64},
    {"basis__rows": 6_001},
    {"basis__expected_profit": 0.1},
    {"basis__approval_rate": 0.5},
    {"basis__expected_bad_rate": 0.5},
]


@pytest.mark.parametrize("changes", CHANGES, ids=lambda changes: next(iter(changes)))
def test_every_change_of_what_a_policy_says_changes_its_id(changes: dict[str, Any]) -> None:
    assert CutoffPolicy.model_validate(changed(**changes)).id != POLICY.id


@pytest.mark.parametrize("changes", CHANGES[1:], ids=lambda changes: next(iter(changes)))
def test_a_file_that_was_changed_by_hand_is_refused(path: Path, changes: dict[str, Any]) -> None:
    POLICY.write(path)
    path.write_text(json.dumps({"id": POLICY.id, **changed(**changes)}))
    with pytest.raises(PolicyError, match=rf"was changed: its id is {POLICY.id}, its content's card_default-\w{{12}}"):
        CutoffPolicy.read(path, CARD)


@pytest.mark.parametrize(
    ("content", "line"),
    [
        (b"", "is not a policy: EOF while parsing a value"),
        (b"\xff", "is not a policy: "),
        (b"[]", "is not a policy: it has no id"),
        (json.dumps(changed()).encode(), "is not a policy: it has no id"),
        (b'{"id": "card_default-0"}', "is not a policy: scorecard: Field required; cutoff: Field required; basis"),
        (json.dumps({"id": "", **changed(cutoff=1.0)}).encode(), "is not a policy: cutoff: Input should be less than"),
        (json.dumps({"id": "", **changed(cutoff="0.3")}).encode(), "is not a policy: cutoff: Input should be a valid"),
        (json.dumps({"id": "", **changed(basis__rows=0)}).encode(), "is not a policy: basis.search.rows: Input should"),
        (json.dumps({"id": "", "more": 1, **changed()}).encode(), "is not a policy: more: Extra inputs"),
        (
            json.dumps({"id": POLICY.id, **changed()}).replace('"cutoff": ', '"cutoff": 0.9, "cutoff": ', 1).encode(),
            "is not a policy: cutoff: Field is given twice",
        ),
        (json.dumps({"id": POLICY.id, **changed()}).replace("0.25", "NaN").encode(), "is not a policy: "),
    ],
)
def test_a_file_that_is_no_policy_is_refused_with_one_line(path: Path, content: bytes, line: str) -> None:
    path.parent.mkdir()
    path.write_bytes(content)
    with pytest.raises(PolicyError, match=re.escape(line)) as caught:
        CutoffPolicy.in_force(CARD, path)
    assert "\n" not in str(caught.value)
    assert str(caught.value).endswith("; run: scorebox cutoff card_default --reset")


def test_another_scorecard_s_policy_is_refused(path: Path) -> None:
    CutoffPolicy.of(load("german_credit")).write(path)
    with pytest.raises(PolicyError, match="is a policy of german_credit, not of card_default"):
        CutoffPolicy.read(path, CARD)


def test_a_missing_file_says_what_to_run(path: Path) -> None:
    with pytest.raises(PolicyError, match=r"there is no policy at .*; run: scorebox cutoff card_default --write"):
        CutoffPolicy.read(path, CARD)


def test_without_a_file_the_scorecard_s_own_cutoff_is_in_force(path: Path) -> None:
    own = CutoffPolicy.in_force(CARD, path)
    assert (own.cutoff, own.basis) == (
        CARD.cutoff,
        StatedBasis(kind="scorecard", reason="The scorecard's own cut-off."),
    )
    assert own.id == CutoffPolicy.of(CARD).id
    POLICY.write(path)
    assert CutoffPolicy.in_force(CARD, path) == POLICY


@pytest.mark.parametrize("cutoff", [0.0, 1.0, -0.1, float("nan")])
def test_a_cutoff_lies_between_0_and_1(cutoff: float) -> None:
    with pytest.raises(ValidationError):
        CutoffPolicy.model_validate({**POLICY.model_dump(), "cutoff": cutoff})


@pytest.mark.parametrize("reason", ["", "   ", "x" * 501])
def test_a_reason_says_something_and_is_no_longer_than_a_sentence(reason: str) -> None:
    with pytest.raises(ValidationError):
        StatedBasis(kind="hand", reason=reason)
