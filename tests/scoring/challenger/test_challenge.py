"""Which applicants are the challenger's, and the file that names it."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scoring.challenger.challenge import Challenge, place
from scoring.models import ModelStoreError, Release

CHALLENGE = Challenge(
    id="c-1",
    release=Release(scorecard="card_default", version="2", serving="fp32", tags={"fp32": "card_default:2-fp32"}),
    share=0.1,
    made_at="2026-11-21T00:00:00+00:00",
)


@given(applicant=st.binary(max_size=40), scorecard=st.text(min_size=1, max_size=80))
def test_an_applicant_stands_where_it_always_stood(applicant: bytes, scorecard: str) -> None:
    where = place(scorecard, applicant)
    assert 0 <= where <= 1
    assert place(scorecard, applicant) == where


@given(start=st.integers(0, 10**9), share=st.floats(0.05, 0.5))
def test_the_share_of_applicants_is_near_the_share(start: int, share: float) -> None:
    places = [place("card_default", str(number).encode()) for number in range(start, start + 2_000)]
    found = sum(where < share for where in places) / len(places)
    # Six standard errors.
    assert abs(found - share) < 6 * (share * (1 - share) / len(places)) ** 0.5


def test_whoever_is_the_challenger_s_stays_so_when_its_share_grows() -> None:
    places = [place("card_default", str(number).encode()) for number in range(1_000)]
    assert {place for place in places if place < 0.1} < {place for place in places if place < 0.3}


def test_scorecards_divide_the_same_applicants_in_ways_of_their_own() -> None:
    names = [str(number).encode() for number in range(4_000)]
    both = sum(place("card_default", name) < 0.5 and place("german_credit", name) < 0.5 for name in names)
    assert both == pytest.approx(1_000, abs=200)


def test_a_challenge_is_read_as_it_was_written(tmp_path: Path) -> None:
    path = tmp_path / "card_default.challenger.json"
    assert Challenge.read(path, "card_default") is None
    CHALLENGE.write(path)
    assert Challenge.read(path, "card_default") == CHALLENGE
    assert CHALLENGE.model == "card_default:2-fp32"


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ('"share":0.6', "share: Input should be less than or equal to 0.5"),
        ('"share":0.1,"share":0.5', "share: Field is given twice"),
        ('"serving":"int8"', "release 2 has no int8"),
        ('"scorecard":"german_credit"', "is a challenge of german_credit, not of card_default"),
    ],
)
def test_what_is_no_challenge_is_refused_in_one_line(tmp_path: Path, change: str, says: str) -> None:
    path = tmp_path / "card_default.challenger.json"
    name = change.partition(":")[0]
    content = CHALLENGE.model_dump_json()
    member = next(part for part in content.replace("{", ",").split(",") if part.startswith(name))
    path.write_text(content.replace(member, change))
    with pytest.raises(ModelStoreError, match=says) as caught:
        Challenge.read(path, "card_default")
    assert "\n" not in str(caught.value)
