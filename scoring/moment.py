"""Moments, UTC to the millisecond, and the ids that carry them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from uuid import UUID

from uuid_utils import uuid7

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


def now_to_the_millisecond() -> str:
    """Return the present time in ISO 8601, UTC to the millisecond."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def now_to_the_second() -> str:
    """Return the present time in ISO 8601, UTC to the second, as reports and releases are dated."""
    return datetime.now(UTC).isoformat(timespec="seconds")


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
