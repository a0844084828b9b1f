"""Where the rows of a batch come from: a request, and the idempotency key under which it is answered once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple


@dataclass(frozen=True, slots=True)
class Key:
    """An idempotency key, for one part of a request that was decided in several."""

    name: str
    part: int
    request_sha256: bytes


class RequestOrigin(NamedTuple):
    """Where consecutive rows of a batch come from: one request, or a part of one."""

    rows: int
    request_id: str
    applicant: str | None = None
    """The caller's name for the applicant."""
    key: Key | None = None


def spread(request_origins: Sequence[RequestOrigin]) -> Iterator[RequestOrigin]:
    """Yield the origin of each row."""
    for origin in request_origins:
        for _ in range(origin.rows):
            yield origin
