"""Moments and the ids that carry them."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scoring.moment import ids_at, moments_of, now_to_the_millisecond, parse_moment

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


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-10-01", "2026-10-01T00:00:00"),
        ("20261001", "2026-10-01T00:00:00"),
        ("2026-W40-4", "2026-10-01T00:00:00"),
        ("2026W404", "2026-10-01T00:00:00"),
        ("2026-274", "2026-10-01T00:00:00"),
        ("2026274", "2026-10-01T00:00:00"),
        ("2026-10-01 10:20", "2026-10-01T10:20:00"),
        ("2026-10-01t10:20:30z", "2026-10-01T10:20:30+00:00"),
        ("2026-12-31T23:59:60Z", "2026-12-31T23:59:59+00:00"),
        ("20261231T235960-0300", "2026-12-31T23:59:59-03:00"),
        ("2026-10-01T10:20:30,5+02", "2026-10-01T10:20:30.500000+02:00"),
        ("2026-10-01T10:20:30.123456789", "2026-10-01T10:20:30.123456"),
    ],
)
def test_a_date_or_a_moment_of_iso_8601_is_read(text: str, moment: str) -> None:
    assert parse_moment(text).isoformat() == moment


@pytest.mark.parametrize(
    "text",
    [
        "", "yesterday", "1759276800", "20261001.0", "2026", "2026-10", "2026-W40", "2026-13-01", "2026-02-30",
        "2026-366", "2026-000", "0000-01-01", "2026-10-01x10:20", "2026-10-01T", "2026-10-01T25:00",
        "2026-10-01T10:60", "2026-10-01T10:20:61Z", "2026-10-01 ", " 2026-10-01", "2026-10-01\n", "01.10.2026",
        "10/01/2026", "9999-366", "0001-000",
    ],
)  # fmt: skip
def test_what_is_no_date_is_refused(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  # any of them
        parse_moment(text)


@given(st.text(max_size=30))
def test_any_text_is_a_date_or_is_none(text: str) -> None:
    with suppress(ValueError):
        parse_moment(text)


def test_ids_of_now_are_of_now() -> None:
    before = now_to_the_millisecond()
    assert before <= max(moments_of(ids_at(now_to_the_millisecond(), 1))) <= now_to_the_millisecond()


@given(st.lists(st.one_of(st.text(max_size=40), st.uuids().map(str))))
def test_what_is_no_uuid_of_version_7_has_no_moment(names: list[str]) -> None:
    assert moments_of(name for name in names if len(name) != 36 or name[14] != "7") == set()


def test_an_id_beyond_all_dates_has_no_moment() -> None:
    assert moments_of(["ffffffff-ffff-7fff-bfff-ffffffffffff"]) == set()
    assert moments_of(["00000000-0000-7000-8000-000000000000"]) == {"1970-01-01T00:00:00.000+00:00"}
