"""Moments, UTC to the millisecond, and the ids that carry them: how they are made, and how callers write them."""

from __future__ import annotations

import re
from calendar import isleap
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

from uuid_utils import uuid7

_DAY_AND_TIME = re.compile(
    r"(?P<day>\d{4}-\d{2}-\d{2}|\d{8}|\d{4}-W\d{2}-\d|\d{4}W\d{3}|(?P<year>\d{4})-?(?P<number>\d{3}))"
    r"(?:[Tt ](?P<time>.+))?",
    re.ASCII,
)
_LEAP_SECOND = re.compile(r"(?<=^\d\d:\d\d:)60|(?<=^\d{4})60", re.ASCII)
_UUID = re.compile(
    r"(?:urn:uuid:)?(?:[0-9a-f]{32}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|"
    r"\{[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\})",
    re.IGNORECASE,
)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


def now_to_the_millisecond() -> str:
    """Return the present time in ISO 8601, UTC to the millisecond."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def now_to_the_second() -> str:
    """Return the present time in ISO 8601, UTC to the second, as reports and releases are dated."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def parse_moment(text: str) -> datetime:
    """Return a date, or a date and a time, of ISO 8601 or RFC 3339; a date is its first moment.

    A day may be that of a week or a year, separators may be left out, and a blank may stand for T. A leap second counts
    as the second before it.

    Returns:
        Aware if the text has an offset, else naive.

    Raises:
        ValueError: it is none.
    """
    found = _DAY_AND_TIME.fullmatch(text)
    if found is None:
        raise ValueError("no date of ISO 8601")
    day = found["day"]
    if found["number"] is not None:
        year, number = int(found["year"]), int(found["number"])
        if not 1 <= number <= 365 + isleap(year):
            raise ValueError("no day of that year")
        day = (date(year, 1, 1) + timedelta(number - 1)).isoformat()
    if found["time"] is None:
        return datetime.fromisoformat(day)
    return datetime.fromisoformat(f"{day}T{_LEAP_SECOND.sub('59', found['time'].upper())}")


def as_decision_id(name: str) -> str:
    """Return a decision's id as the journal writes it, in whatever form of a UUID it comes; another name as it is."""
    return str(UUID(name)) if _UUID.fullmatch(name) else name


def ids_at(moment: str, count: int) -> list[str]:
    """Return new UUIDv7 of that moment in rising order (RFC 9562, 5.7): 48 bits of it, then 74 random ones."""
    nanoseconds = (datetime.fromisoformat(moment) - _EPOCH) // _MILLISECOND * 1_000_000
    return sorted([str(uuid7(nanoseconds=nanoseconds)) for _ in range(count)])


def moments_of(ids: Iterable[str]) -> set[str]:
    """Return the moments of these ids; what is no UUIDv7 has none."""
    milliseconds = {_milliseconds(name) for name in ids}
    return {
        (_EPOCH + each * _MILLISECOND).isoformat(timespec="milliseconds") for each in milliseconds if each is not None
    }


def _milliseconds(name: str) -> int | None:
    try:
        found = UUID(name)
    except ValueError:
        return None
    milliseconds = found.int >> 80
    # 48 bits reach beyond the year 9999, the last one that datetime has.
    return milliseconds if found.version == 7 and milliseconds < 253_402_300_800_000 else None
