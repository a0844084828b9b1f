"""Problem details (RFC 9457): they name field and rule, never a value."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

import orjson
from pydantic import BaseModel, Field

from scoring.errors import FieldError, RowError

PROBLEM_JSON = b"application/problem+json"

# RFC 9110's words, which Python has known since 3.13.
_TITLES = {413: "Content Too Large", 422: "Unprocessable Content"}

# A body may break a rule for every byte it has.
MOST_ERRORS = 100


class Problem(BaseModel):
    """Why a request was refused."""

    type: str = Field(description="always about:blank: the status says what kind of problem it is")
    title: str = Field(description="the status in words")
    status: int = Field(description="the HTTP status")
    detail: str = Field(description="what is wrong with this request, and what to do")
    errors: list[FieldError] = Field([], description=f"the broken rules by field, at most {MOST_ERRORS}")
    rows: list[RowError] = Field([], description=f"the same by row, where no row is good, at most {MOST_ERRORS}")


class ProblemError(Exception):
    """Ends a request with a problem as its answer."""

    def __init__(
        self,
        status: HTTPStatus,
        detail: str,
        *,
        errors: list[FieldError] | None = None,
        rows: list[RowError] | None = None,
        headers: list[tuple[bytes, bytes]] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.headers = headers or []
        self.problem = Problem(
            type="about:blank",
            title=_TITLES.get(status, status.phrase),
            status=status,
            detail=detail,
            errors=(errors or [])[:MOST_ERRORS],
            rows=(rows or [])[:MOST_ERRORS],
        )

    def body(self) -> bytes:
        """Return the answer's JSON without its empty lists."""
        return to_json({name: value for name, value in vars(self.problem).items() if value != []})


def to_json(value: Any) -> bytes:
    """Return the JSON of plain members, errors among them; several times faster than dumping each error as a model."""
    return orjson.dumps(value, default=vars)


def broken_rules(errors: list[FieldError]) -> ProblemError:
    """Return the 422 of a body that breaks its contract."""
    count = len(errors)
    detail = "1 rule is broken" if count == 1 else f"{count} rules are broken"
    if count > MOST_ERRORS:
        detail += f"; the first {MOST_ERRORS} are listed"
    return ProblemError(HTTPStatus.UNPROCESSABLE_ENTITY, detail, errors=errors)
