"""Which heads are refused before anything else looks at them."""

from __future__ import annotations

from http import HTTPStatus

from serving.problems import ProblemError
from serving.wire.limits import HEAD_BYTES

Headers = list[tuple[bytes, bytes]]


def has_one_host(headers: Headers) -> bool:
    """Return whether `Host` is given, and once."""
    return [name for name, _ in headers].count(b"host") == 1


def check_head(method: bytes, version: str, headers: Headers) -> None:
    """Check what has no place in the request of a route.

    Raises:
        ProblemError: `Host` is missing or given twice, or the request asks for a tunnel or a WebSocket.
    """
    if not has_one_host(headers) and (version != "1.0" or any(name == b"host" for name, _ in headers)):
        raise ProblemError(HTTPStatus.BAD_REQUEST, "a request must have one Host header")
    if method == b"CONNECT":
        raise ProblemError(HTTPStatus.BAD_REQUEST, "the service is no proxy")
    if b"websocket" in _members(headers, b"upgrade") and b"upgrade" in _members(headers, b"connection"):
        raise ProblemError(HTTPStatus.BAD_REQUEST, "the service has no WebSocket: send a request without Upgrade")


def check_head_size(url: bytes, headers: Headers) -> None:
    """Check the size of a whole head.

    Raises:
        ProblemError: it is too large.
    """
    if len(url) + sum(len(name) + len(value) + len(b": \r\n") for name, value in headers) > HEAD_BYTES:
        raise head_too_large()


def head_too_large() -> ProblemError:
    """Return the refusal of a head that is too large."""
    detail = f"the request's head is larger than {HEAD_BYTES} bytes"
    return ProblemError(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, detail)


def without_upgrade(method: bytes, url: bytes, version: str, headers: Headers) -> bytes:
    """Return the head as the client would have sent it without `Upgrade`, which a server may always ignore."""
    lines = [method + b" " + url + b" HTTP/" + version.encode()]
    for name, value in headers:
        if name == b"connection":
            kept = b", ".join(sorted(_members([(name, value)], name) - {b"upgrade"}))
            if kept:
                lines.append(name + b": " + kept)
        elif name != b"upgrade":
            lines.append(name + b": " + value)
    return b"\r\n".join([*lines, b"", b""])


def _members(headers: Headers, wanted: bytes) -> set[bytes]:
    """Return the members of a header that is a list, in lower case."""
    return {member.strip().lower() for name, value in headers if name == wanted for member in value.split(b",")} - {b""}
