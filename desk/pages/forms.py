"""Read what a form of a page sends: a scorecard's fields as texts become the values of an application."""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import Depends, Request

from desk.access.sign_in import Visitor
from desk.lending.contract import broken_rules
from desk.web.problems import ProblemError
from desk.web.visitors import from_this_site, logged_in
from scoring import scorecards
from scoring.application import FieldRule
from scoring.form import FormGroup, form_groups

LONGEST_TEXT = 5_000
LONGEST_NUMBER = 15
_WHOLE = re.compile(r"[+-]?[0-9]{1,18}")
_NUMBER = re.compile(r"[+-]?(?:[0-9]{1,18}(?:\.[0-9]{0,18})?|\.[0-9]{1,18})(?:[eE][+-]?[0-9]{1,3})?")


@dataclass(frozen=True, slots=True)
class PageForm:
    """The form that somebody who is logged in sent."""

    visitor: Visitor
    texts: Mapping[str, str]

    def text(self, name: str) -> str:
        """Return a field's text without blanks around it, empty if it was not sent."""
        return self.texts.get(name, "").strip()

    def number(self, name: str) -> int | None:
        """Return a field's whole number; None if it holds none that a key or a version could be."""
        text = self.text(name)
        return int(text) if text.isdecimal() and len(text) <= LONGEST_NUMBER else None


async def page_form(request: Request, visitor: Annotated[Visitor, Depends(logged_in)]) -> PageForm:
    """Return the form of a page; its hidden field must have the session's CSRF token."""
    from_this_site(request)
    texts = await read_texts(request)
    if not secrets.compare_digest(texts.get("csrf_token", "").encode(), visitor.csrf_token.encode()):
        raise ProblemError(HTTPStatus.FORBIDDEN, "the page is older than the session; reload it, and try again")
    return PageForm(visitor, texts)


async def read_texts(request: Request) -> dict[str, str]:
    """Return the fields of a form, without files; NUL, which PostgreSQL has no place for, is left out."""
    form = await request.form(max_files=0, max_fields=1_000)
    return {
        name: value.replace("\x00", "").replace("\r\n", "\n")[:LONGEST_TEXT]
        for name, value in form.items()
        if isinstance(value, str)
    }


Sent = Annotated[PageForm, Depends(page_form)]


@dataclass(frozen=True, slots=True)
class ApplicationForm:
    """The form of an application: its groups, what is filled in, and what is wrong with it by field."""

    scorecard: str
    title: str
    groups: tuple[FormGroup, ...]
    texts: dict[str, str]
    errors: dict[str, str]


def application_form(
    scorecard: str,
    fields: Mapping[str, Any],
    texts: Mapping[str, str] | None = None,
    errors: Mapping[str, str] = {},
    *,
    with_protected: bool = True,
) -> ApplicationForm:
    """Return the form of a scorecard.

    Args:
        scorecard: its name.
        fields: the values of an application.
        texts: what somebody typed instead.
        errors: messages by column.
        with_protected: whether it asks for what the law protects, which those who decide about others do not see.
    """
    card = scorecards.load(scorecard)
    shown = {name: _text(value) for name, value in fields.items()} if texts is None else dict(texts)
    groups = form_groups(card, card.application, ())
    if not with_protected:
        groups = tuple(group for group in groups if not {field.name for field in group.fields} & card.protected)
    return ApplicationForm(scorecard, card.title, groups, shown, dict(errors))


def read_application(
    scorecard: str, texts: Mapping[str, str], *, complete: bool
) -> tuple[dict[str, Any], dict[str, str]]:
    """Return the values of an application that somebody typed, and a message for each that breaks a rule.

    Args:
        scorecard: its name.
        texts: by column; an empty one is not given.
        complete: whether a field that is missing breaks a rule.
    """
    card = scorecards.load(scorecard)
    fields: dict[str, Any] = {}
    errors: dict[str, str] = {}
    for rule in card.rules:
        text = texts.get(f"beyond-{rule.column}", "").strip() or texts.get(rule.column, "").strip()
        if not text:
            continue
        value = _value(rule, text)
        if value is None:
            errors[rule.column] = "A whole number is needed" if rule.kind == "integer" else "A number is needed"
        else:
            fields[rule.column] = value
    for error in broken_rules(scorecard, fields, complete=complete):
        errors.setdefault(error.field, "Needed" if error.rule == "missing" else error.message)
    return fields, errors


def _value(rule: FieldRule, text: str) -> str | int | float | None:
    """Return the value that a text stands for, None if it is no number where one is needed."""
    if rule.kind == "text":
        return text
    # People put spaces between thousands, and in half of Europe a comma before decimals.
    plain = re.sub(r"[\s\u00a0\u202f]", "", text).replace("\N{MINUS SIGN}", "-").replace(",", ".")
    if rule.kind == "integer":
        return int(plain) if _WHOLE.fullmatch(plain) else None
    return float(plain) if _NUMBER.fullmatch(plain) else None


def _text(value: Any) -> str:
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)
