"""One request and its answer: its ids, its body, its response."""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections.abc import Awaitable, Callable, Mapping, MutableMapping, Sequence
from http import HTTPStatus
from time import perf_counter
from typing import Any, NamedTuple, TypeAlias
from urllib.parse import parse_qsl

from uuid_utils import uuid7

from scoring.errors import LONGEST_NAME, FieldError
from scoring.scorer import Caller
from serving import gzip_body
from serving.headers import given_twice, identifier, is_identifier, is_utf_8, joined
from serving.problems import ProblemError, broken_rules

Scope: TypeAlias = MutableMapping[str, Any]
Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]
ASGIApp: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]
Headers: TypeAlias = list[tuple[bytes, bytes]]

JSON = b"application/json"

# W3C Trace Context, version 00; an id of zeros only is none.
_TRACEPARENT = re.compile(rb"00-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")

# nginx's number for a client that closed the connection before it was answered.
CLIENT_GONE = 499

REQUEST_ID = "request_id"
"""The member of a scope's state that tells the connection how the request is named."""
STATUS = "status"
"""The member of a scope's state in which the connection says with what the request ended, if not with its answer."""

# Up to here unpacking takes less time than handing it to a thread and back.
_INLINE_UNPACKED_BYTES = 64 << 10

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


class ClientGoneError(Exception):
    """The client closed the connection before it had sent its whole request."""


class Answer(NamedTuple):
    """An answer that is no refusal."""

    body: bytes
    content_type: bytes = JSON
    headers: Sequence[tuple[bytes, bytes]] = ()
    """More than those that every answer carries."""
    status: int = HTTPStatus.OK


class Exchange:
    """One request and its answer."""

    __slots__ = (
        "_receive", "_repeated", "_send", "_state", "decision_id", "headers", "method", "query", "reading",
        "request_id", "route", "rows", "started", "status", "trace_id", "traceparent",
    )  # fmt: skip

    def __init__(self, scope: Scope, receive: Receive, send: Send, route: str) -> None:
        self.started = perf_counter()
        self.method: str = scope["method"]
        self.route = route
        self.query: bytes = scope.get("query_string", b"")
        self.headers: dict[bytes, bytes] = dict(scope["headers"])
        self._repeated: str | None = None
        if len(self.headers) < len(scope["headers"]):
            self.headers, self._repeated = joined(scope["headers"])
        self.status = 0
        self.rows = 0
        self.decision_id: str | None = None
        """The id of a lone decision; those of a batch are in the journal under its request id."""
        self.reading = False
        self._receive = receive
        self._send = send
        self.request_id = request_id(self.headers.get(b"x-request-id"))
        self._state: MutableMapping[str, Any] = scope.setdefault("state", {})
        self._state[REQUEST_ID] = self.request_id.decode()
        self.trace_id: str | None = None
        self.traceparent: bytes | None = None
        parent = self.headers.get(b"traceparent")
        if parent is not None and (match := _TRACEPARENT.fullmatch(parent)):
            self.traceparent = parent
            self.trace_id = match[1].decode()

    def check_headers(self) -> None:
        """Check that no header that should be single is given twice.

        Raises:
            ProblemError: one is.
        """
        if self._repeated is not None:
            raise given_twice(self._repeated)

    @property
    def outcome(self) -> int:
        """The status that the request ended with: its answer's, or 499 if there was nobody to take it."""
        return self._state.get(STATUS) or self.status or CLIENT_GONE

    @property
    def content_type(self) -> bytes:
        """The body's media type, without parameters."""
        return self.headers.get(b"content-type", b"").partition(b";")[0].strip().lower()

    def caller(self, body: bytes, within: float) -> Caller:
        """Return who asks, and for what, from headers and query.

        Args:
            body: the request's; the same one under the same key is the same request.
            within: seconds after which the request is given up.

        Raises:
            ProblemError: a header or the query breaks a rule.
        """
        every_reason = bool(self.query) and self._has_parameter("reasons", "all")
        key = identifier("Idempotency-Key", self.headers.get(b"idempotency-key"), quoted=True)
        applicant = identifier("Applicant-ID", self.headers.get(b"applicant-id"))
        request_sha256 = b""
        if key is not None:
            same = (self.route.encode(), self.query, self.content_type, body)
            request_sha256 = hashlib.sha256(b"\n".join(same)).digest()
        deadline = self.started + within
        return Caller(self.request_id.decode(), applicant, key, request_sha256, every_reason, deadline)

    def _has_parameter(self, parameter: str, value: str) -> bool:
        """Return whether the query gives the one parameter that there is its one value.

        Raises:
            ProblemError: the query holds anything else.
        """
        query = parse_qsl(self.query.decode("latin-1"), keep_blank_values=True)
        for name, given in query:
            if name != parameter:
                error = FieldError(
                    field=name[:LONGEST_NAME], rule="extra_forbidden", message="Parameter is not permitted"
                )
                raise broken_rules([error])
            if given != value:
                error = FieldError(field=name, rule="literal_error", message=f"Parameter should be '{value}'")
                raise broken_rules([error])
        if len(query) > 1:
            raise broken_rules([FieldError(field=parameter, rule="duplicate", message="Parameter is given twice")])
        return bool(query)

    def standard_headers(self) -> Headers:
        """Return the headers that every answer carries."""
        headers = [(b"x-request-id", self.request_id)]
        if self.traceparent is not None:
            headers.append((b"traceparent", self.traceparent))
        return headers

    async def read_body(self, max_bytes: Mapping[bytes, int]) -> bytes:
        """Read the whole body, unpacked, without a byte order mark.

        Args:
            max_bytes: the most bytes of a body, packed or not, by the media types that are taken.

        Raises:
            ProblemError: it is of another type, charset or coding, missing, damaged, or too large.
            ClientGoneError: the connection was closed.
        """
        limit, packed = self._limit_and_coding(max_bytes)
        self.reading = True
        message = await self._receive()
        body: bytes = message.get("body", b"")
        if message.get("more_body", False) or message["type"] == "http.disconnect" or len(body) > limit:
            body = await self._read_pieces(message, limit)
        self.reading = False
        if body and packed:
            if limit > _INLINE_UNPACKED_BYTES:
                body = await asyncio.to_thread(gzip_body.unpack, body, limit)
            else:
                body = gzip_body.unpack(body, limit)
        if self.content_type == JSON:
            body = body.removeprefix(_BYTE_ORDER_MARK)
        if not body:
            raise ProblemError(HTTPStatus.BAD_REQUEST, "the body is empty")
        return body

    def _limit_and_coding(self, max_bytes: Mapping[bytes, int]) -> tuple[int, bool]:
        """Return the most bytes of the body, and whether it is packed by gzip.

        Raises:
            ProblemError: it is of another type, charset or coding.
        """
        limit = max_bytes.get(self.content_type)
        if limit is None:
            expected = b" or ".join(max_bytes).decode()
            raise ProblemError(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, f"the Content-Type must be {expected}")
        if self.content_type == JSON and not is_utf_8(self.headers[b"content-type"]):
            raise ProblemError(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "the charset of the body must be utf-8")
        coding = self.headers.get(b"content-encoding", b"").lower()
        packed = coding in gzip_body.CODINGS
        if not packed and coding not in (b"", b"identity"):
            detail = "send the body with Content-Encoding: gzip, or without one"
            headers = [(b"accept-encoding", b"gzip")]
            raise ProblemError(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, detail, headers=headers)
        if int(self.headers.get(b"content-length", 0)) > limit:
            # Before the client is asked for it, if it waits to be.
            raise _too_large(limit)
        return limit, packed

    async def _read_pieces(self, message: Message, max_bytes: int) -> bytes:
        chunks: list[bytes] = []
        size = 0
        while True:
            if message["type"] == "http.disconnect":
                raise ClientGoneError
            chunk = message.get("body", b"")
            size += len(chunk)
            if size > max_bytes:
                raise _too_large(max_bytes)
            chunks.append(chunk)
            if not message.get("more_body", False):
                return b"".join(chunks)
            message = await self._receive()

    async def answer(self, status: int, body: bytes, content_type: bytes, extra: Headers) -> None:
        """Send the answer, with `extra` headers after the standard ones."""
        self.status = status
        headers = [
            (b"content-type", content_type),
            (b"content-length", str(len(body)).encode()),
            *self.standard_headers(),
            *extra,
        ]
        await self._send({"type": "http.response.start", "status": status, "headers": headers})
        await self._send({"type": "http.response.body", "body": body})


def request_id(given: bytes | None) -> bytes:
    """Return a request's name: the given one, or a new one if it is none or breaks the rule of names."""
    return given if given is not None and is_identifier(given) else str(uuid7()).encode()


def _too_large(max_bytes: int) -> ProblemError:
    return ProblemError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"the body is larger than {max_bytes} bytes")
