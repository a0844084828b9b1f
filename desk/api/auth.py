"""Log in, log out, and change one's own password."""

from __future__ import annotations

import math
from http import HTTPStatus

from fastapi import APIRouter, Depends, Request, Response

from desk.access.sign_in import SignIn, TooManyLoginsError, Visitor, WrongLoginError
from desk.api.models import ChangePassword, LogIn, MeOut
from desk.web.problems import ProblemError
from desk.web.visitors import Anyone, Door, caller_address, delete_cookie, from_this_site, read_cookie, set_cookie
from scoring.errors import FieldError

router = APIRouter(prefix="/auth", tags=["auth"])


@router.post("/login", dependencies=[Depends(from_this_site)])
async def log_in(body: LogIn, request: Request, response: Response, door: Door) -> MeOut:
    """Log in: a cookie of a new session, and the token that changes must bring."""
    try:
        cookie = await door.log_in(body.login, body.password, caller_address(request), read_cookie(request))
    except WrongLoginError:
        raise ProblemError(HTTPStatus.UNAUTHORIZED, "login and password do not belong together") from None
    except TooManyLoginsError as error:
        raise _too_many(error) from None
    set_cookie(request, response, cookie)
    return await _me_of(door, cookie)


@router.post("/logout", status_code=HTTPStatus.NO_CONTENT)
async def log_out(request: Request, response: Response, door: Door, visitor: Anyone) -> None:
    """End this session."""
    await door.log_out(visitor)
    delete_cookie(request, response)


@router.get("/me")
async def me(visitor: Anyone) -> MeOut:
    """Return who is logged in."""
    return _me(visitor)


@router.post("/password")
async def change_password(
    body: ChangePassword, request: Request, response: Response, door: Door, visitor: Anyone
) -> MeOut:
    """Change one's own password: every session of it ends, and a new one begins here."""
    try:
        cookie = await door.change_password(visitor, body.old, body.new, caller_address(request))
    except WrongLoginError:
        error = FieldError(field="old", rule="wrong_password", message="This is not the present password")
        raise ProblemError(HTTPStatus.UNPROCESSABLE_ENTITY, "1 rule is broken", [error]) from None
    except TooManyLoginsError as error:
        raise _too_many(error) from None
    set_cookie(request, response, cookie)
    return await _me_of(door, cookie)


def _too_many(error: TooManyLoginsError) -> ProblemError:
    seconds = math.ceil(error.wait.total_seconds())
    detail = f"too many logins failed; the next one is looked at in {seconds} s"
    return ProblemError(HTTPStatus.TOO_MANY_REQUESTS, detail, headers={"Retry-After": str(seconds)})


async def _me_of(door: SignIn, cookie: str) -> MeOut:
    visitor = await door.find(cookie)
    if visitor is None:
        raise ProblemError(HTTPStatus.UNAUTHORIZED, "the session has ended already")
    return _me(visitor)


def _me(visitor: Visitor) -> MeOut:
    viewer = visitor.viewer
    return MeOut(
        user_id=viewer.user_id,
        login=viewer.login,
        full_name=visitor.full_name,
        role=viewer.role,
        manager_id=viewer.manager_id,
        client_id=viewer.client_id,
        csrf_token=visitor.csrf_token,
    )
