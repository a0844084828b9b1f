"""Applications: begun and sent by clients, looked at, edited and decided about by managers."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from desk.api.application_models import (
    ApplicationFileOut,
    DocumentRequestOut,
    EditApplication,
    NewApplication,
    NewDocumentRequest,
    NewNote,
    NewVerdict,
    NoteOut,
    QueueRowOut,
    VerdictOut,
    application_file_out,
    document_request_out,
    note_out,
    queue_row_out,
    verdict_out,
)
from desk.api.models import Id, PageOut, Search
from desk.api.people import PageNumber, PageSize, seen_client
from desk.database.people import Role
from desk.database.work import Application, DocumentRequest, Note, Status
from desk.lending import applications
from desk.lending.applications import BrokenRulesError, WrongMomentError
from desk.lending.verdicts import OverrideError, give_verdict
from desk.repositories.applications import SENT, Order
from desk.repositories.paging import Page
from desk.repositories.unit import Unit, unit_of_work
from desk.web.problems import ProblemError, broken, not_found
from desk.web.visitors import Anyone, ClientOnly, DeskDatabase, ManagerOnly, Participants, Staff

router = APIRouter(tags=["applications"])
Band = Annotated[Search, Query(description="of the latest score")]


@router.get("/applications")
async def queue(
    database: DeskDatabase,
    visitor: Staff,
    search: Search = "",
    band: Band = "",
    status: Status | None = None,
    order: Order = "age",
    descending: bool = False,
    number: PageNumber = 1,
    size: PageSize = 50,
) -> PageOut[QueueRowOut]:
    """List the applications that were sent: by age, band, amount or client."""
    statuses = SENT if status is None else [status]
    async with unit_of_work(database, visitor.viewer) as unit:
        page = await unit.applications.queue(Page(number, size), order, statuses, band, search, descending)
        unit.audit_log.record("list applications", "applications", page=number, rows=len(page.rows))
    return PageOut(rows=[queue_row_out(*row) for row in page.rows], total=page.total, page=number, size=size)


@router.post("/clients/{client_id}/applications", status_code=HTTPStatus.CREATED)
async def begin(
    client_id: Id,
    body: NewApplication,
    request: Request,
    response: Response,
    database: DeskDatabase,
    visitor: ClientOnly,
) -> ApplicationFileOut:
    """Begin an application as a draft, or send it at once: its score is under way then."""
    if body.scorecard not in request.app.state.scorecards:
        raise broken("scorecard", "not_offered", "The desk offers no such scorecard")
    async with unit_of_work(database, visitor.viewer) as unit:
        await seen_client(unit, client_id)
        try:
            application, _ = await applications.begin(
                unit, client_id, body.scorecard, body.fields, send=body.send, viewer=visitor.viewer
            )
        except BrokenRulesError as error:
            raise _of_rules(error) from None
        found = await _file_of(unit, application)
    request.app.state.dispatcher.wake()
    response.headers["Location"] = f"/applications/{found.application.id}"
    return found


@router.get("/applications/{application_id}")
async def application(application_id: Id, database: DeskDatabase, visitor: Anyone) -> ApplicationFileOut:
    """Return an application with its scores, verdicts, requests for documents, and for staff the notes."""
    async with unit_of_work(database, visitor.viewer) as unit:
        found = await _seen(unit, application_id)
        return await _file_of(unit, found)


@router.put("/applications/{application_id}")
async def edit(
    application_id: Id, body: EditApplication, request: Request, database: DeskDatabase, visitor: Participants
) -> ApplicationFileOut:
    """Change the fields: a client those of a draft, a manager those of what was sent, which is scored anew."""
    async with unit_of_work(database, visitor.viewer) as unit:
        found = await _seen(unit, application_id)
        if found.version != body.version:
            detail = f"somebody else changed the application meanwhile; its version is {found.version}"
            raise ProblemError(HTTPStatus.CONFLICT, detail)
        try:
            await applications.edit(unit, found, body.fields, send=body.send, viewer=visitor.viewer)
        except BrokenRulesError as error:
            raise _of_rules(error) from None
        except WrongMomentError as error:
            raise ProblemError(HTTPStatus.CONFLICT, str(error)) from None
        answer = await _file_of(unit, found)
    request.app.state.dispatcher.wake()
    return answer


@router.post("/applications/{application_id}/withdrawal")
async def withdraw(application_id: Id, database: DeskDatabase, visitor: ClientOnly) -> ApplicationFileOut:
    """Take one's own application back."""
    async with unit_of_work(database, visitor.viewer) as unit:
        found = await _seen(unit, application_id)
        try:
            applications.withdraw(unit, found)
        except WrongMomentError as error:
            raise ProblemError(HTTPStatus.CONFLICT, str(error)) from None
        return await _file_of(unit, found)


@router.post("/applications/{application_id}/verdicts", status_code=HTTPStatus.CREATED)
async def decide(application_id: Id, body: NewVerdict, database: DeskDatabase, visitor: ManagerOnly) -> VerdictOut:
    """Decide about an application; a verdict against the score is an override, and needs a reason and a note."""
    async with unit_of_work(database, visitor.viewer) as unit:
        found = await _seen(unit, application_id)
        try:
            verdict = await give_verdict(
                unit,
                found,
                visitor.viewer,
                score_id=body.score_id,
                choice=body.choice,
                reason_code=body.reason_code,
                note=body.note,
            )
        except WrongMomentError as error:
            raise ProblemError(HTTPStatus.CONFLICT, str(error)) from None
        except OverrideError as error:
            raise ProblemError(HTTPStatus.UNPROCESSABLE_ENTITY, "1 rule is broken", [error.error]) from None
        return verdict_out(verdict)


@router.post("/applications/{application_id}/notes", status_code=HTTPStatus.CREATED)
async def add_note(application_id: Id, body: NewNote, database: DeskDatabase, visitor: ManagerOnly) -> NoteOut:
    """Note something about an application; clients do not see it."""
    async with unit_of_work(database, visitor.viewer) as unit:
        found = await _seen(unit, application_id)
        note = Note(application_id=found.id, user_id=visitor.viewer.user_id, text=body.text)
        await unit.applications.record(note)
        unit.audit_log.record("add note", f"applications/{found.id}", found.client_id)
        return note_out(note)


@router.post("/applications/{application_id}/document-requests", status_code=HTTPStatus.CREATED)
async def ask_for_document(
    application_id: Id, body: NewDocumentRequest, database: DeskDatabase, visitor: ManagerOnly
) -> DocumentRequestOut:
    """Ask the client for a document."""
    async with unit_of_work(database, visitor.viewer) as unit:
        found = await _seen(unit, application_id)
        asked = DocumentRequest(application_id=found.id, user_id=visitor.viewer.user_id, document=body.document)
        await unit.applications.record(asked)
        unit.audit_log.record("ask for document", f"applications/{found.id}", found.client_id)
        return document_request_out(asked)


async def _seen(unit: Unit, application_id: int) -> Application:
    """Return an application, and note who saw it; 404 if the viewer may not."""
    found = await unit.applications.get(application_id)
    if found is None:
        raise not_found()
    if unit.viewer is not None and unit.viewer.role != Role.CLIENT:
        unit.audit_log.record("see application", f"applications/{application_id}", found.client_id)
    return found


async def _file_of(unit: Unit, found: Application) -> ApplicationFileOut:
    await unit.applications.flush()
    return application_file_out(
        found,
        await unit.applications.scores(found.id),
        await unit.applications.verdicts(found.id),
        await unit.applications.document_requests(found.id),
        await unit.applications.notes(found.id),
        unit.viewer,
    )


def _of_rules(error: BrokenRulesError) -> ProblemError:
    count = len(error.errors)
    detail = "1 rule is broken" if count == 1 else f"{count} rules are broken"
    return ProblemError(HTTPStatus.UNPROCESSABLE_ENTITY, detail, error.errors)
