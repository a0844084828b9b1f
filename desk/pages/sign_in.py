"""The pages to log in and out, and the way to one's start page."""

from __future__ import annotations

import math

from fastapi import APIRouter, Depends, Request, Response

from desk.access.passwords import LONGEST
from desk.access.sign_in import TooManyLoginsError, WrongLoginError
from desk.database.people import LONGEST_LOGIN
from desk.pages.forms import Sent, read_texts
from desk.pages.render import HOMES, render, see_other
from desk.web.visitors import Door, caller_address, delete_cookie, from_this_site, read_cookie, set_cookie

router = APIRouter(include_in_schema=False)


@router.get("/")
async def start(request: Request, door: Door) -> Response:
    """Go to one's start page, or to the login."""
    visitor = await door.find(read_cookie(request))
    return see_other("/login" if visitor is None else HOMES[visitor.viewer.role])


@router.get("/login")
async def login_page(request: Request) -> Response:
    """Show the login."""
    return render(request, "login.html", login="", error="")


@router.post("/login", dependencies=[Depends(from_this_site)])
async def log_in(request: Request, door: Door) -> Response:
    """Log in, and go to one's start page."""
    texts = await read_texts(request)
    login, password = texts.get("login", "").strip(), texts.get("password", "")
    if not login or not password:
        return render(request, "login.html", status=422, login=login, error="Login and password are needed.")
    if len(login) > LONGEST_LOGIN or len(password) > LONGEST:
        return render(request, "login.html", status=401, login="", error="Login and password do not belong together.")
    try:
        cookie = await door.log_in(login, password, caller_address(request), read_cookie(request))
    except WrongLoginError:
        error = "Login and password do not belong together."
        return render(request, "login.html", status=401, login=login, error=error)
    except TooManyLoginsError as refused:
        seconds = math.ceil(refused.wait.total_seconds())
        error = f"Too many logins failed. The next one is looked at in {seconds} s."
        response: Response = render(request, "login.html", status=429, login=login, error=error)
        response.headers["Retry-After"] = str(seconds)
        return response
    response = see_other("/")
    set_cookie(request, response, cookie)
    return response


@router.post("/logout")
async def log_out(request: Request, door: Door, sent: Sent) -> Response:
    """End the session."""
    await door.log_out(sent.visitor)
    response = see_other("/login")
    delete_cookie(request, response)
    return response
