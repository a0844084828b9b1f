"""Find out who asks, and refuse what another site's page may have sent in their name."""

from __future__ import annotations

import secrets
from http import HTTPStatus
from typing import Annotated
from urllib.parse import urlsplit

from fastapi import Depends, Request, Response

from desk.access.sign_in import SESSION_LENGTH, SignIn, Visitor
from desk.database.connection import Database
from desk.database.people import Role
from desk.web.problems import ProblemError

CSRF_HEADER = "X-CSRF-Token"
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
# Browsers take a name that begins so over TLS only, from this host alone, and for all of its paths.
_COOKIE, _COOKIE_OF_TLS = "desk_session", "__Host-desk_session"


def read_cookie(request: Request) -> str | None:
    """Return the cookie of the request's session, None if it has none."""
    return request.cookies.get(_cookie_name(request))


def set_cookie(request: Request, response: Response, cookie: str) -> None:
    """Let the browser keep the session: out of reach of scripts and of other sites' pages."""
    response.set_cookie(
        _cookie_name(request),
        cookie,
        max_age=int(SESSION_LENGTH.total_seconds()),
        path="/",
        secure=_is_tls(request),
        httponly=True,
        samesite="lax",
    )


def delete_cookie(request: Request, response: Response) -> None:
    """Let the browser forget the session."""
    response.delete_cookie(_cookie_name(request), path="/", secure=_is_tls(request), httponly=True, samesite="lax")


def caller_address(request: Request) -> str:
    """Return the address of the network that a request comes from, a trusted proxy's caller for the proxy."""
    return request.client.host if request.client else "unknown"


def desk_database(request: Request) -> Database:
    """Return the database of the desk that was asked."""
    database: Database = request.app.state.database
    return database


def sign_in(request: Request) -> SignIn:
    """Return the door of the desk that was asked."""
    door: SignIn = request.app.state.sign_in
    return door


def from_this_site(request: Request) -> None:
    """Refuse a change that a page of another site has sent.

    Browsers name the page's origin with every change; programs that are no browsers name none.
    """
    if request.method in _SAFE:
        return
    origin = request.headers.get("origin")
    if origin is not None and urlsplit(origin).netloc != request.headers.get("host"):
        raise ProblemError(HTTPStatus.FORBIDDEN, "the request comes from a page of another site")
    if request.headers.get("sec-fetch-site", "none") not in {"same-origin", "none"}:
        raise ProblemError(HTTPStatus.FORBIDDEN, "the request comes from a page of another site")


async def logged_in(request: Request, door: Annotated[SignIn, Depends(sign_in)]) -> Visitor:
    """Return who is logged in; 401 if nobody is."""
    found = await door.find(read_cookie(request))
    if found is None:
        raise ProblemError(HTTPStatus.UNAUTHORIZED, "log in first: POST /auth/login")
    return found


def visitor(request: Request, found: Annotated[Visitor, Depends(logged_in)]) -> Visitor:
    """Return who is logged in; a change must bring the session's CSRF token."""
    from_this_site(request)
    if request.method not in _SAFE:
        given = request.headers.get(CSRF_HEADER, "")
        if not secrets.compare_digest(given.encode(), found.csrf_token.encode()):
            raise ProblemError(HTTPStatus.FORBIDDEN, f"{CSRF_HEADER}: the token of GET /auth/me is needed")
    return found


class Only:
    """Lets in people of some roles.

    Args:
        roles: theirs.
    """

    def __init__(self, *roles: Role) -> None:
        self._roles = roles

    def __call__(self, found: Annotated[Visitor, Depends(visitor)]) -> Visitor:
        """Return who asks; 403 for people of other roles."""
        if found.viewer.role not in self._roles:
            raise ProblemError(HTTPStatus.FORBIDDEN, f"this is for the role {' or '.join(self._roles)}")
        return found


Anyone = Annotated[Visitor, Depends(visitor)]
ClientOnly = Annotated[Visitor, Depends(Only(Role.CLIENT))]
ManagerOnly = Annotated[Visitor, Depends(Only(Role.MANAGER))]
AdministratorOnly = Annotated[Visitor, Depends(Only(Role.ADMINISTRATOR))]
Participants = Annotated[Visitor, Depends(Only(Role.CLIENT, Role.MANAGER))]
Staff = Annotated[Visitor, Depends(Only(Role.MANAGER, Role.ADMINISTRATOR))]
DeskDatabase = Annotated[Database, Depends(desk_database)]
Door = Annotated[SignIn, Depends(sign_in)]


def _is_tls(request: Request) -> bool:
    return request.url.scheme == "https"


def _cookie_name(request: Request) -> str:
    return _COOKIE_OF_TLS if _is_tls(request) else _COOKIE
