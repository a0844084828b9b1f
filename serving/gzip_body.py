"""Unpack a gzip body without ever unpacking more than its limit."""

from __future__ import annotations

import zlib
from http import HTTPStatus

from serving.problems import ProblemError

CODINGS = (b"gzip", b"x-gzip")
"""RFC 9110, 8.4.1.3: both are the same."""
_GZIP_WINDOW = 31


def unpack(body: bytes, max_bytes: int) -> bytes:
    """Return what a gzip body holds.

    Raises:
        ProblemError: it is not one whole gzip member, or holds more than `max_bytes`.
    """
    unpacking = zlib.decompressobj(_GZIP_WINDOW)
    try:
        content = unpacking.decompress(body, max_bytes + 1)
    except zlib.error:
        raise ProblemError(HTTPStatus.BAD_REQUEST, "the body is not gzip, or damaged") from None
    if len(content) > max_bytes:
        detail = f"the body is larger than {max_bytes} bytes when it is unpacked"
        raise ProblemError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, detail)
    if not unpacking.eof:
        raise ProblemError(HTTPStatus.BAD_REQUEST, "the body ends before its gzip data do")
    if unpacking.unused_data:
        raise ProblemError(HTTPStatus.BAD_REQUEST, "bytes follow the end of the body's gzip data")
    return content
