"""Cross-origin requests: which pages' scripts may ask the service, and read its answers."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from serving.exchange import Answer, Exchange, Headers
from serving.routes import ANY_REQUEST, TEXT, Route

_EXPOSED = b"X-Request-ID, traceparent, Retry-After"
# Browsers ask again after this many seconds; Chromium never waits longer than two hours.
_MAX_AGE = b"7200"


class CrossOrigin:
    """Grants scripts of listed origins what any other client has, except cookies and tokens.

    Args:
        origins: may ask; without any, no answer says a word of it.
        routes: the table; their headers may be sent.
    """

    def __init__(self, origins: Collection[str], routes: Sequence[Route]) -> None:
        self._origins = frozenset(origin.encode() for origin in origins)
        parameters = (parameter for route in routes for parameter in (*ANY_REQUEST, *route.parameters))
        headers = dict.fromkeys(parameter.name for parameter in parameters if parameter.place == "header")
        self._headers = ", ".join(("Content-Type", "Content-Encoding", *headers)).encode()

    def headers(self, exchange: Exchange) -> Headers:
        """Return the headers that say whether a script may read the answer, whatever it is."""
        if not self._origins:
            return []
        # A cache must not hand one origin's answer to another.
        vary = (b"vary", b"Origin")
        origin = exchange.headers.get(b"origin")
        if origin not in self._origins:
            return [vary]
        return [
            vary,
            (b"access-control-allow-origin", origin),
            (b"access-control-expose-headers", _EXPOSED),
        ]

    def preflight(self, route: Route, exchange: Exchange) -> Answer | None:
        """Return the answer to a browser that asks whether a script may send a request; None for all else."""
        asks = exchange.method == "OPTIONS" and b"access-control-request-method" in exchange.headers
        if not asks or not route.methods or exchange.headers.get(b"origin") not in self._origins:
            return None
        allowed = [
            (b"access-control-allow-methods", ", ".join(route.methods).encode()),
            (b"access-control-allow-headers", self._headers),
            (b"access-control-max-age", _MAX_AGE),
        ]
        return Answer(b"", TEXT, allowed)
