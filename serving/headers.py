"""Read a request's headers: which may stand once only, what a body's type says, names that callers give."""

from __future__ import annotations

import re
from collections.abc import Iterable
from http import HTTPStatus

from scoring.errors import FieldError
from serving.problems import ProblemError, broken_rules

SINGLE = {
    b"content-type": "Content-Type",
    b"authorization": "Authorization",
    b"idempotency-key": "Idempotency-Key",
    b"applicant-id": "Applicant-ID",
}
"""The headers that a request gives once; of two, nobody can say which holds.

X-Request-ID and traceparent are not here: two of one are replaced, as one that breaks their rules is.
"""

IDENTIFIER = "[A-Za-z0-9._:/+=@-]{1,128}"
"""The pattern of a caller's names for requests, applicants and keys: short, and harmless in any log."""
QUOTED_IDENTIFIER = f'("{IDENTIFIER}"|{IDENTIFIER})'
_IDENTIFIER = re.compile(IDENTIFIER.encode())
_IDENTIFIER_RULE = "Header should have 1 to 128 letters, digits and ._:/+=@-"

_PARAMETER = re.compile(rb';[ \t]*([a-z0-9!#$%&\'*+.^_`|~-]+)[ \t]*=[ \t]*("(?:[^"\\]|\\.)*"|[^;"]*)')
_WEIGHT = re.compile(rb"0(\.[0-9]{0,3})?|1(\.0{0,3})?")
_UTF_8 = {b"utf-8", b"utf8", b"us-ascii", b"ascii"}


def joined(headers: Iterable[tuple[bytes, bytes]]) -> tuple[dict[bytes, bytes], str | None]:
    """Return headers of which some are given more than once by name, their values joined as RFC 9110, 5.3, has it.

    Returns:
        The headers, and the name of one that should be single and is not.
    """
    values: dict[bytes, bytes] = {}
    repeated = None
    for name, value in headers:
        if name in values:
            repeated = repeated or SINGLE.get(name)
            values[name] += b", " + value
        else:
            values[name] = value
    return values, repeated


def given_twice(header: str) -> ProblemError:
    """Return the 400 of a request that gives a single header more than once."""
    error = FieldError(field=header, rule="duplicate", message="Header is given twice")
    return ProblemError(HTTPStatus.BAD_REQUEST, f"the header {header} is given twice", errors=[error])


def is_identifier(value: bytes) -> bool:
    """Return whether a header's value is a name that a caller may give."""
    return _IDENTIFIER.fullmatch(value) is not None


def identifier(header: str, value: bytes | None, *, quoted: bool = False) -> str | None:
    """Return the identifier in a header, None without the header.

    Args:
        header: its name.
        value: as it came.
        quoted: whether it may be a string of RFC 9651, which has quotes around it. They are no part of it, and none
            of the characters that the string would escape is permitted.

    Raises:
        ProblemError: it does not match `IDENTIFIER`.
    """
    if value is None:
        return None
    if quoted and len(value) > 2 and value[:1] == value[-1:] == b'"':
        value = value[1:-1]
    if not is_identifier(value):
        raise broken_rules([FieldError(field=header, rule="string_pattern_mismatch", message=_IDENTIFIER_RULE)])
    return value.decode()


def is_utf_8(content_type: bytes) -> bool:
    """Return whether a Content-Type names no charset, or UTF-8, or ASCII, which is a part of it."""
    _, semicolon, parameters = content_type.partition(b";")
    found = _PARAMETER.findall((semicolon + parameters).lower())
    return all(value.strip(b'" \t') in _UTF_8 for name, value in found if name == b"charset")


def prefers(accept: bytes, media_type: bytes, *, to: bytes) -> bool:
    """Return whether an Accept header names a media type, in any case, with no less weight than it gives to another.

    Args:
        accept: the header's value, empty without one.
        media_type: in lower case; wildcards do not name it.
        to: the other media type.
    """
    weights: dict[bytes, float] = {}
    for item in accept.lower().split(b","):
        name, _, parameters = item.partition(b";")
        given = dict(_PARAMETER.findall(b";" + parameters)).get(b"q", b"1").strip()
        weights[name.strip()] = float(given) if _WEIGHT.fullmatch(given) else 1.0
    weight = weights.get(media_type, 0.0)
    return weight > 0 and weight >= weights.get(to, 0.0)
