"""Render pages, and words, numbers and dates in them."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from fastapi import Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from desk.access.sign_in import Visitor
from desk.database.base import utc_now
from desk.database.people import Role
from desk.web.problems import ProblemError
from scoring.form import FormField

STATIC = Path(__file__).parent / "static"
HOMES = {Role.CLIENT: "/my", Role.MANAGER: "/queue", Role.ADMINISTRATOR: "/office"}
"""Where each role starts."""
PAYMENT_WORDS = {
    "X": "no loan",
    "C": "paid off",
    "0": "up to 29 days past due",
    "1": "30 to 59 days past due",
    "2": "60 to 89 days past due",
    "3": "90 to 119 days past due",
    "4": "120 to 149 days past due",
    "5": "150 days or more past due",
}
_DAY = timedelta(days=1)
_THOUSANDS = "\N{NARROW NO-BREAK SPACE}"


def render(
    request: Request, template: str, visitor: Visitor | None = None, status: int = 200, **context: Any
) -> HTMLResponse:
    """Return a page.

    Args:
        request: that it answers.
        template: the name of a file in `templates/`.
        visitor: who is logged in; pages show the name, and forms carry the CSRF token.
        status: of HTTP.
        context: what the template shows.
    """
    page = _TEMPLATES.get_template(template).render(request=request, visitor=visitor, **context)
    return HTMLResponse(page, status)


def see_other(address: str) -> RedirectResponse:
    """Send the browser on after a change, so that reloading the page does not make it again."""
    return RedirectResponse(address, 303)


def error_page(request: Request, error: ProblemError) -> Response:
    """Return a problem as a page; who is not logged in gets to the login instead."""
    if error.status == 401:
        return see_other("/login")
    response = render(request, "error.html", status=error.status, error=error)
    response.headers.update(error.headers)
    return response


class CachedFiles(StaticFiles):
    """Files that browsers keep and ask about, unlike people's data, which they keep nowhere."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        """Return a file."""
        response = await super().get_response(path, scope)
        response.headers["Cache-Control"] = "no-cache"
        return response


def money(amount: Decimal | float | None) -> str:
    """Return an amount with its thousands apart; the currency of the data is not named."""
    return "" if amount is None else f"{amount:,.0f}".replace(",", _THOUSANDS)


def percent(share: Decimal | float, places: int = 1) -> str:
    """Return a share in percent."""
    return f"{share * 100:.{places}f}\N{NO-BREAK SPACE}%"


def plain(value: str | float, field: FormField) -> str:
    """Return a value of an application as people read it: its word if it has one, else a number with its unit."""
    words = {option.value: option.word for option in (*field.options, *field.beyond)}
    if (word := words.get(str(value))) is not None or isinstance(value, str):
        return word or str(value)
    if field.unit == "days" and value < 0:
        return f"{-value:,.0f} days ago".replace(",", _THOUSANDS)
    number = (f"{value:,.0f}" if float(value).is_integer() else f"{value:,}").replace(",", _THOUSANDS)
    return f"{number} {field.unit}".strip()


def moment(at: datetime | None) -> str:
    """Return a moment to the minute, in UTC."""
    return "" if at is None else f"{at.day} {at:%b %Y, %H:%M} UTC"


def age(at: datetime | None) -> str:
    """Return how long ago a moment is, in one unit."""
    if at is None:
        return ""
    ago = utc_now() - at
    for unit, name in ((_DAY, "day"), (timedelta(hours=1), "hour"), (timedelta(minutes=1), "minute")):
        if (count := ago // unit) > 0:
            return f"{count} {name}{'' if count == 1 else 's'}"
    return "just now"


def month_of(at: datetime, back: int) -> str:
    """Return the month that lies so many months from a moment's, such as `Nov 2026` for -1 in December."""
    months = at.year * 12 + at.month - 1 + back
    return f"{datetime(months // 12, months % 12 + 1, 1, tzinfo=at.tzinfo):%b %Y}"


_TEMPLATES = Environment(
    loader=PackageLoader("desk.pages"), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
)
_TEMPLATES.filters |= {"money": money, "percent": percent, "moment": moment, "age": age, "plain": plain}
_TEMPLATES.globals |= {
    "payment_words": PAYMENT_WORDS,
    "month_of": month_of,
    "this_moment": utc_now,
}
