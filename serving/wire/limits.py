"""How much and for how long a client may send before it is refused or its connection is closed."""

from __future__ import annotations

from dataclasses import dataclass

HEAD_BYTES = 32 << 10
"""The most bytes of a request's head, and of anything else between bodies: chunk extensions, trailers."""
DISCARDED_BYTES = 64 << 20
"""The most bytes that are read and thrown away after an answer. A client that is still sending does not read yet, and
would lose the answer if the connection were closed."""


@dataclass(frozen=True)
class WireLimits:
    """The limits on time, in seconds.

    Attributes:
        client: how long the server waits for a client: for a whole head, for the end of what it sends after a refusal,
            and until it takes some of its answer.
        keep_alive: how long an idle connection stays open between two requests.
    """

    client: float
    keep_alive: float
