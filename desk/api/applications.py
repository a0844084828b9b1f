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
from desk.api.people import PageNumber, PageSize
from desk.database.work import Application, Status
from desk.lending import applications
from desk.lending.errors import WrongMomentError, broken
from desk.lending.verdicts import give_verdict
from desk.repositories.applications import SENT, Order
from desk.repositories.paging import Page
from desk.repositories.unit import Unit, unit_of_work
from desk.web.look_up import find_application, find_client, see_application
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
        await find_client(unit, client_id)
        application = await applications.begin(
            unit, client_id, body.scorecard, body.fields, send=body.send, viewer=visitor.viewer
        )
        found = await file_of(unit, application)
    request.app.state.dispatcher.wake()
    response.headers["Location"] = f"/applications/{found.application.id}"
    return found


@router.get("/applications/{application_id}")
async def application(application_id: Id, database: DeskDatabase, visitor: Anyone) -> ApplicationFileOut:
    """Return an application with its scores, verdicts, requests for documents, and for staff the notes."""
    async with unit_of_work(database, visitor.viewer) as unit:
        found = await see_application(unit, application_id)
        return await file_of(unit, found)


@router.put("/applications/{application_id}")
async def edit(
    application_id: Id, body: EditApplication, request: Request, database: DeskDatabase, visitor: Participants
) -> ApplicationFileOut:
    """Change the fields: a client those of a draft, a manager those of what was sent, which is scored anew."""
    async with unit_of_work(database, visitor.viewer) as unit:
        found = await find_application(unit, application_id)
        if found.version != body.version:
            raise WrongMomentError(f"somebody else changed the application meanwhile; its version is {found.version}")
        await applications.edit(unit, found, body.fields, send=body.send, viewer=visitor.viewer)
        answer = await file_of(unit, found)
    request.app.state.dispatcher.wake()
    return answer


@router.post("/applications/{application_id}/withdrawal")
async def withdraw(application_id: Id, database: DeskDatabase, visitor: ClientOnly) -> ApplicationFileOut:
    """Take one's own application back."""
    async with unit_of_work(database, visitor.viewer) as unit:
        found = await find_application(unit, application_id)
        applications.withdraw(unit, found)
        return await file_of(unit, found)


@router.post("/applications/{application_id}/verdicts", status_code=HTTPStatus.CREATED)
async def decide(application_id: Id, body: NewVerdict, database: DeskDatabase, visitor: ManagerOnly) -> VerdictOut:
    """Decide about an application; a verdict against the score is an override, and needs a reason and a note."""
    async with unit_of_work(database, visitor.viewer) as unit:
        found = await find_application(unit, application_id)
        verdict = await give_verdict(
            unit,
            found,
            visitor.viewer,
            score_id=body.score_id,
            choice=body.choice,
            reason_code=body.reason_code,
            note=body.note,
        )
        return verdict_out(verdict)


@router.post("/applications/{application_id}/notes", status_code=HTTPStatus.CREATED)
async def add_note(application_id: Id, body: NewNote, database: DeskDatabase, visitor: ManagerOnly) -> NoteOut:
    """Note something about an application; clients do not see it."""
    async with unit_of_work(database, visitor.viewer) as unit:
        found = await find_application(unit, application_id)
        note = await applications.add_note(unit, found, visitor.viewer, body.text)
        return note_out(note)


@router.post("/applications/{application_id}/document-requests", status_code=HTTPStatus.CREATED)
async def ask_for_document(
    application_id: Id, body: NewDocumentRequest, database: DeskDatabase, visitor: ManagerOnly
) -> DocumentRequestOut:
    """Ask the client for a document."""
    async with unit_of_work(database, visitor.viewer) as unit:
        found = await find_application(unit, application_id)
        asked = await applications.ask_for_document(unit, found, visitor.viewer, body.document)
        return document_request_out(asked)


async def file_of(unit: Unit, found: Application) -> ApplicationFileOut:
    """Return an application with everything that was said about it."""
    await unit.applications.flush()
    return application_file_out(
        found,
        await unit.applications.scores(found.id),
        await unit.applications.verdicts(found.id),
        await unit.applications.document_requests(found.id),
        await unit.applications.notes(found.id),
        unit.viewer,
    )
