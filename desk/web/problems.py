"""Answer what goes wrong with problem details (RFC 9457) as the service does: field and rule, never a value."""

from __future__ import annotations

import logging
from http import HTTPStatus
from typing import Any

import orjson
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from desk.database.connection import ConflictError, DatabaseAwayError
from desk.lending.errors import BrokenRulesError, WrongMomentError
from scoring.errors import LONGEST_NAME, FieldError

PROBLEM_JSON = "application/problem+json"
MOST_ERRORS = 100
RETRY_SECONDS = 5
"""After which a caller may ask again, where the database was away."""
_LOG = logging.getLogger("scorebox.desk")
# RFC 9110's words, which Python has known since 3.13.
_TITLES = {413: "Content Too Large", 422: "Unprocessable Content"}
_PARTS = ("body", "query", "path", "header", "cookie")


class Problem(BaseModel):
    """Why a request was refused."""

    type: str = Field("about:blank", description="always about:blank: the status says what kind of problem it is")
    title: str = Field(description="the status in words")
    status: int = Field(description="the HTTP status")
    detail: str = Field(description="what is wrong with this request, and what to do")
    errors: list[FieldError] = Field([], description=f"the broken rules by field, at most {MOST_ERRORS}")


class ProblemError(Exception):
    """Ends a request with a problem as its answer."""

    def __init__(
        self,
        status: HTTPStatus,
        detail: str,
        errors: list[FieldError] | None = None,
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.errors = errors or []
        self.headers = headers or {}

    def response(self) -> Response:
        """Return the answer, without an empty list of errors."""
        problem = Problem(
            title=_TITLES.get(self.status, self.status.phrase),
            status=self.status,
            detail=self.detail,
            errors=self.errors[:MOST_ERRORS],
        )
        content = problem.model_dump(exclude=None if self.errors else {"errors"})
        return Response(orjson.dumps(content), self.status, self.headers, PROBLEM_JSON)


def not_found() -> ProblemError:
    """Return the 404 of what is not there and of what is somebody else's: the same, so that it says nothing."""
    return ProblemError(HTTPStatus.NOT_FOUND, "there is nothing here that you may see")


def install(app: FastAPI) -> None:
    """Let an app answer every error with problem details."""
    app.add_exception_handler(ProblemError, _of_problem)
    app.add_exception_handler(HTTPException, _of_starlette)
    app.add_exception_handler(RequestValidationError, _of_broken_rules)
    app.add_exception_handler(BrokenRulesError, _of_rules)
    app.add_exception_handler(WrongMomentError, _of_moment)
    app.add_exception_handler(ConflictError, _of_conflict)
    app.add_exception_handler(DatabaseAwayError, _of_database)
    app.add_exception_handler(Exception, _of_fault)


def _answer(request: Request, error: ProblemError) -> Response:
    """Return a problem in the form that the caller reads: a page for a browser that opens one."""
    if "text/html" in request.headers.get("accept", ""):
        page: Response = request.app.state.error_page(request, error)
        return page
    return error.response()


def _of_problem(request: Request, error: Exception) -> Response:
    assert isinstance(error, ProblemError)
    return _answer(request, error)


def _of_starlette(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    status = HTTPStatus(error.status_code)
    if status == HTTPStatus.NOT_FOUND:
        return _answer(request, not_found())
    details = {
        HTTPStatus.METHOD_NOT_ALLOWED: "this path has no such method",
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE: error.detail,
    }
    detail = details.get(status, "the body is no JSON that can be read")
    return _answer(request, ProblemError(status, detail, headers=dict(error.headers or {})))


def _of_broken_rules(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    found = error.errors()
    errors = [
        FieldError(
            field=_field(item),
            rule=item["type"],
            message=item["msg"],
        )
        for item in found[:MOST_ERRORS]
    ]
    return _answer(request, _broken_rules(errors, len(found)))


def _of_rules(request: Request, error: Exception) -> Response:
    assert isinstance(error, BrokenRulesError)
    return _answer(request, _broken_rules(error.errors, len(error.errors)))


def _broken_rules(errors: list[FieldError], count: int) -> ProblemError:
    detail = "1 rule is broken" if count == 1 else f"{count} rules are broken"
    return ProblemError(HTTPStatus.UNPROCESSABLE_ENTITY, detail, errors)


def _of_moment(request: Request, error: Exception) -> Response:
    return _answer(request, ProblemError(HTTPStatus.CONFLICT, str(error)))


def _field(error: dict[str, Any]) -> str:
    """Return the field that an error is about, without the part of the request that it is in."""
    if error["type"] == "json_invalid":
        return "(body)"
    return ".".join(str(part) for part in error["loc"] if part not in _PARTS)[:LONGEST_NAME] or "(body)"


def _of_conflict(request: Request, error: Exception) -> Response:
    return _answer(request, ProblemError(HTTPStatus.CONFLICT, f"{error}; read it again, then change it"))


def _of_database(request: Request, error: Exception) -> Response:
    _LOG.error("%s", error)
    detail = "the desk's database does not serve at the moment; nothing was changed"
    headers = {"Retry-After": str(RETRY_SECONDS)}
    return _answer(request, ProblemError(HTTPStatus.SERVICE_UNAVAILABLE, detail, headers=headers))


def _of_fault(request: Request, __: Exception) -> Response:
    # The traceback goes to the server's log, by Starlette; it names code, and SQLAlchemy hides what was in statements.
    return _answer(request, ProblemError(HTTPStatus.INTERNAL_SERVER_ERROR, "a fault of the desk; its log has it"))
