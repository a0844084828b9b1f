"""Fill in, send, edit and withdraw applications; note something about them, and ask for documents."""

from __future__ import annotations

from typing import Any

from desk.database.people import Role
from desk.database.scope import Viewer
from desk.database.work import Application, DocumentRequest, Note, Status
from desk.lending.contract import broken_rules, with_protected
from desk.lending.errors import BrokenRulesError, WrongMomentError
from desk.repositories.applications import submit
from desk.repositories.unit import Unit
from desk.scoring.asking import ask_for_score


async def begin(
    unit: Unit, client_id: int, scorecard: str, fields: dict[str, Any], *, send: bool, viewer: Viewer
) -> Application:
    """Keep a new application as a draft, or send it and ask for its score.

    Raises:
        BrokenRulesError: a field breaks its rule, or is missing where it is sent.
    """
    _check(scorecard, fields, send=send)
    application = Application(client_id=client_id, scorecard=scorecard, fields=fields, status=Status.DRAFT)
    await unit.applications.add(application)
    unit.audit_log.record("begin application", f"applications/{application.id}", client_id)
    if send:
        await _send(unit, application, fields, viewer)
    return application


async def edit(unit: Unit, application: Application, fields: dict[str, Any], *, send: bool, viewer: Viewer) -> None:
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
        await _send(unit, application, fields, viewer)
    else:
        application.fields = fields


def withdraw(unit: Unit, application: Application) -> None:
    """Take an application back; what was decided about it stays known.

    Raises:
        WrongMomentError: it is withdrawn already.
    """
    if application.status == Status.WITHDRAWN:
        raise WrongMomentError("the application is withdrawn already")
    application.status = Status.WITHDRAWN
    unit.audit_log.record("withdraw application", f"applications/{application.id}", application.client_id)


async def add_note(unit: Unit, application: Application, viewer: Viewer, text: str) -> Note:
    """Note something about an application; clients do not see it."""
    note = Note(application_id=application.id, user_id=viewer.user_id, text=text)
    await unit.applications.record(note)
    unit.audit_log.record("add note", f"applications/{application.id}", application.client_id)
    return note


async def ask_for_document(unit: Unit, application: Application, viewer: Viewer, document: str) -> DocumentRequest:
    """Ask the client for a document."""
    asked = DocumentRequest(application_id=application.id, user_id=viewer.user_id, document=document)
    await unit.applications.record(asked)
    unit.audit_log.record("ask for document", f"applications/{application.id}", application.client_id)
    return asked


async def _send(unit: Unit, application: Application, fields: dict[str, Any], viewer: Viewer) -> None:
    submit(application, fields, application.submitted_at)
    await ask_for_score(unit, application, viewer.user_id)


def _check(scorecard: str, fields: dict[str, Any], *, send: bool) -> None:
    if errors := broken_rules(scorecard, fields, complete=send):
        raise BrokenRulesError(*errors)


_NOTHING = object()
