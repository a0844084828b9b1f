"""A refusal that no application sends."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from uvicorn.protocols.http.httptools_impl import STATUS_LINE

from serving.exchange import REQUEST_ID, Headers, request_id
from serving.problems import PROBLEM_JSON, ProblemError


@dataclass(frozen=True)
class Refusal:
    """A problem that ends a connection, and the request that it answers.

    Attributes:
        problem: why.
        method: the request's, or "unknown".
        request_id: the request's own, or a new one.
        seconds: how long after its first byte the request is refused.
    """

    problem: ProblemError
    method: str
    request_id: str
    seconds: float

    @classmethod
    def of(cls, problem: ProblemError, scope: Mapping[str, Any] | None, seconds: float) -> Refusal:
        """Return the refusal of a request; `scope` is what is known of it, None for nothing."""
        if scope is None:
            return cls(problem, "unknown", request_id(None).decode(), seconds)
        name = scope["state"].get(REQUEST_ID) or request_id(dict(scope["headers"]).get(b"x-request-id")).decode()
        return cls(problem, scope.get("method", "unknown"), name, seconds)

    def answer(self, standard_headers: Headers) -> bytes:
        """Return the answer, with the headers that every answer of the server carries."""
        body = self.problem.body()
        headers = [
            *standard_headers,
            (b"content-type", PROBLEM_JSON),
            (b"content-length", str(len(body)).encode()),
            (b"x-request-id", self.request_id.encode()),
            (b"connection", b"close"),
            *self.problem.headers,
        ]
        head = STATUS_LINE[self.problem.status] + b"".join(name + b": " + value + b"\r\n" for name, value in headers)
        return head + b"\r\n" + (b"" if self.method == "HEAD" else body)
