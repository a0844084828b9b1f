"""Fill in, send, edit and withdraw applications."""

from __future__ import annotations

from typing import Any

from desk.database.jobs import ScoringJob
from desk.database.people import Role
from desk.database.scope import Viewer
from desk.database.work import Application, Status
from desk.lending.contract import broken_rules, with_protected
from desk.repositories.applications import submit
from desk.repositories.unit import Unit
from desk.scoring.asking import ask_for_score
from scoring.errors import FieldError


class BrokenRulesError(Exception):
    """An application breaks rules of its scorecard.

    Attributes:
        errors: one for each rule.
    """

    def __init__(self, errors: list[FieldError]) -> None:
        super().__init__(f"{len(errors)} rules are broken")
        self.errors = errors


class WrongMomentError(Exception):
    """The application stands where this cannot be done; the message says why."""


async def begin(
    unit: Unit, client_id: int, scorecard: str, fields: dict[str, Any], *, send: bool, viewer: Viewer
) -> tuple[Application, ScoringJob | None]:
    """Keep a new application as a draft, or send it and ask for its score.

    Raises:
        BrokenRulesError: a field breaks its rule, or is missing where it is sent.
    """
    _check(scorecard, fields, send=send)
    application = Application(client_id=client_id, scorecard=scorecard, fields=fields, status=Status.DRAFT)
    await unit.applications.add(application)
    unit.audit_log.record("begin application", f"applications/{application.id}", client_id)
    return application, await _send(unit, application, fields, viewer) if send else None


async def edit(
    unit: Unit, application: Application, fields: dict[str, Any], *, send: bool, viewer: Viewer
) -> ScoringJob | None:
    """Change the fields of an application, and ask for a score of what is sent.

    A client edits a draft, which nobody else sees. A manager edits what was sent, but for the protected fields, and it
    is scored anew.

    Raises:
        BrokenRulesError: a field breaks its rule, or is missing where it is sent.
        WrongMomentError: the application is none that this viewer may edit now.
    """
    drafted = application.status == Status.DRAFT
    if application.status == Status.SCORING:
        raise WrongMomentError("the application is being scored; edit it when it is decided")
    if application.status == Status.WITHDRAWN:
        raise WrongMomentError("the application is withdrawn")
    if not drafted and viewer.role == Role.CLIENT:
        raise WrongMomentError("an application that was sent is edited by the manager")
    if not drafted:
        send, fields = True, with_protected(application, fields)
    _check(application.scorecard, fields, send=send)
    changed = sorted(
        name
        for name in {*fields, *application.fields}
        if fields.get(name, _NOTHING) != application.fields.get(name, _NOTHING)
    )
    unit.audit_log.record("edit application", f"applications/{application.id}", application.client_id, changed=changed)
    if send:
        return await _send(unit, application, fields, viewer)
    application.fields = fields
    return None


def withdraw(unit: Unit, application: Application) -> None:
    """Take an application back; what was decided about it stays known.

    Raises:
        WrongMomentError: it is withdrawn already.
    """
    if application.status == Status.WITHDRAWN:
        raise WrongMomentError("the application is withdrawn already")
    application.status = Status.WITHDRAWN
    unit.audit_log.record("withdraw application", f"applications/{application.id}", application.client_id)


async def _send(unit: Unit, application: Application, fields: dict[str, Any], viewer: Viewer) -> ScoringJob:
    submit(application, fields, application.submitted_at)
    return await ask_for_score(unit, application, viewer.user_id)


def _check(scorecard: str, fields: dict[str, Any], *, send: bool) -> None:
    if errors := broken_rules(scorecard, fields, complete=send):
        raise BrokenRulesError(errors)


_NOTHING = object()
