"""Moments and the ids that carry them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from scoring.moment import ids_at, moments_of, now_to_the_millisecond

MOMENTS = st.integers(0, 10**13).map(
    lambda milliseconds: (datetime.fromtimestamp(0, UTC) + timedelta(milliseconds=milliseconds)).isoformat(
        timespec="milliseconds"
    )
)


@given(MOMENTS)
def test_the_moment_of_an_id_is_the_one_it_was_made_for(moment: str) -> None:
    ids = ids_at(moment, 3)
    assert moments_of(ids) == {moment}
    assert len(set(ids)) == 3
    assert {UUID(name).version for name in ids} == {7}
    assert {UUID(name).variant for name in ids} == {"specified in RFC 4122"}


def test_ids_of_now_are_of_now() -> None:
    before = now_to_the_millisecond()
    assert before <= max(moments_of(ids_at(now_to_the_millisecond(), 1))) <= now_to_the_millisecond()


@given(st.lists(st.one_of(st.text(max_size=40), st.uuids().map(str))))
def test_what_is_no_uuid_of_version_7_has_no_moment(names: list[str]) -> None:
    assert moments_of(name for name in names if len(name) != 36 or name[14] != "7") == set()


def test_an_id_beyond_all_dates_has_no_moment() -> None:
    assert moments_of(["ffffffff-ffff-7fff-bfff-ffffffffffff"]) == set()
    assert moments_of(["00000000-0000-7000-8000-000000000000"]) == {"1970-01-01T00:00:00.000+00:00"}
