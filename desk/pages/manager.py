"""A manager's pages: the queue, and an application with all that is known of it."""

from __future__ import annotations

from typing import Annotated, get_args
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Query, Request, Response

from desk.access.sign_in import Visitor
from desk.api.models import Id, Search
from desk.api.people import PageNumber
from desk.database.people import Role
from desk.database.work import (
    LONGEST_DOCUMENT,
    LONGEST_NOTE,
    Application,
    Choice,
    ReasonCode,
    Status,
)
from desk.lending import applications
from desk.lending.errors import BrokenRulesError, WrongMomentError
from desk.lending.verdicts import give_verdict
from desk.pages.forms import PageForm, application_form, read_application
from desk.pages.render import render, see_other
from desk.pages.roles import LookingAs, SendingAs
from desk.repositories.applications import SENT, Order
from desk.repositories.paging import Page
from desk.repositories.unit import Unit, unit_of_work
from desk.scoring.asking import ask_for_score
from desk.web.look_up import find_application, find_client, see_application
from desk.web.visitors import DeskDatabase
from scoring import scorecards

router = APIRouter(prefix="/queue", include_in_schema=False)
ROWS = 50
Looking = Annotated[Visitor, Depends(LookingAs(Role.MANAGER))]
Sending = Annotated[PageForm, Depends(SendingAs(Role.MANAGER))]


@router.get("")
async def queue(
    request: Request,
    database: DeskDatabase,
    visitor: Looking,
    search: Search = "",
    band: Search = "",
    status: Annotated[str, Query(pattern="^(submitted|scoring|decided|)$")] = "",
    order: Order = "age",
    descending: bool = False,
    number: PageNumber = 1,
) -> Response:
    """Show the applications of one's own clients; filters and order stand in the address."""
    statuses = [Status(status)] if status else SENT
    async with unit_of_work(database, visitor.viewer) as unit:
        page = await unit.applications.queue(Page(number, ROWS), order, statuses, band, search, descending)
        counts = await unit.applications.count_by_status()
        bands = await unit.applications.count_by_band()
        unit.audit_log.record("list applications", "applications", page=number, rows=len(page.rows))
    asked = {"search": search, "band": band, "status": status, "order": order, "descending": descending or ""}

    def address(**changes: object) -> str:
        return "/queue?" + urlencode({name: value for name, value in {**asked, **changes}.items() if value})

    return render(
        request, "manager/queue.html", visitor, page=page, number=number, pages=-(-page.total // ROWS), asked=asked,
        counts=counts, bands=bands, orders=get_args(Order), address=address,
    )  # fmt: skip


@router.get("/applications/{application_id}")
async def show_application(request: Request, application_id: Id, database: DeskDatabase, visitor: Looking) -> Response:
    """Show an application with score, reasons, history, payments, notes and verdicts."""
    async with unit_of_work(database, visitor.viewer) as unit:
        return await _page(request, unit, visitor, await see_application(unit, application_id))


@router.post("/applications/{application_id}/verdicts")
async def decide(request: Request, application_id: Id, database: DeskDatabase, sent: Sending) -> Response:
    """Keep a verdict."""
    async with unit_of_work(database, sent.visitor.viewer) as unit:
        found = await find_application(unit, application_id)
        try:
            choice, reason = Choice(sent.text("choice")), ReasonCode(sent.text("reason_code"))
        except ValueError:
            return await _page(request, unit, sent.visitor, found, sent, "Choose a verdict and a reason")
        try:
            await give_verdict(
                unit,
                found,
                sent.visitor.viewer,
                score_id=sent.number("score_id") or 0,
                choice=choice,
                reason_code=reason,
                note=sent.text("note")[:LONGEST_NOTE],
            )
        except BrokenRulesError as error:
            return await _page(request, unit, sent.visitor, found, sent, error.errors[0].message)
        except WrongMomentError as error:
            return await _page(request, unit, sent.visitor, found, sent, str(error).capitalize(), status=409)
    return see_other(f"/queue/applications/{application_id}#verdicts")


@router.post("/applications/{application_id}/notes")
async def add_note(application_id: Id, database: DeskDatabase, sent: Sending) -> Response:
    """Keep a note."""
    async with unit_of_work(database, sent.visitor.viewer) as unit:
        found = await find_application(unit, application_id)
        if text := sent.text("text")[:LONGEST_NOTE]:
            await applications.add_note(unit, found, sent.visitor.viewer, text)
    return see_other(f"/queue/applications/{application_id}#notes")


@router.post("/applications/{application_id}/document-requests")
async def ask_for_document(application_id: Id, database: DeskDatabase, sent: Sending) -> Response:
    """Ask the client for a document."""
    async with unit_of_work(database, sent.visitor.viewer) as unit:
        found = await find_application(unit, application_id)
        if document := " ".join(sent.text("document").split())[:LONGEST_DOCUMENT]:
            await applications.ask_for_document(unit, found, sent.visitor.viewer, document)
    return see_other(f"/queue/applications/{application_id}#documents")


@router.post("/applications/{application_id}/score")
async def score_anew(request: Request, application_id: Id, database: DeskDatabase, sent: Sending) -> Response:
    """Let an application be decided anew."""
    async with unit_of_work(database, sent.visitor.viewer) as unit:
        found = await find_application(unit, application_id)
        if found.status == Status.WITHDRAWN:
            raise WrongMomentError("the application is withdrawn")
        await ask_for_score(unit, found, sent.visitor.viewer.user_id)
    request.app.state.dispatcher.wake()
    return see_other(f"/queue/applications/{application_id}")


@router.get("/applications/{application_id}/edit")
async def form(request: Request, application_id: Id, database: DeskDatabase, visitor: Looking) -> Response:
    """Show the fields of an application, to be edited."""
    async with unit_of_work(database, visitor.viewer) as unit:
        found = await see_application(unit, application_id)
    form = application_form(found.scorecard, found.fields, with_protected=False)
    return render(request, "manager/edit.html", visitor, form=form, application=found)


@router.post("/applications/{application_id}/edit")
async def edit(request: Request, application_id: Id, database: DeskDatabase, sent: Sending) -> Response:
    """Change the fields of an application, which is scored anew."""
    async with unit_of_work(database, sent.visitor.viewer) as unit:
        found = await find_application(unit, application_id)
        fields, errors = read_application(found.scorecard, sent.texts, complete=True)
        form = application_form(found.scorecard, {}, sent.texts, errors, with_protected=False)
        if errors:
            return render(request, "manager/edit.html", sent.visitor, status=422, form=form, application=found)
        if sent.number("version") != found.version:
            return render(
                request, "manager/edit.html", sent.visitor, status=409, form=form, application=found, conflict=True
            )
        await applications.edit(unit, found, fields, send=True, viewer=sent.visitor.viewer)
    request.app.state.dispatcher.wake()
    return see_other(f"/queue/applications/{application_id}")


async def _page(
    request: Request,
    unit: Unit,
    visitor: Visitor,
    found: Application,
    sent: PageForm | None = None,
    error: str = "",
    status: int = 422,
) -> Response:
    """Return the page of an application, with the verdict that was refused if there is one."""
    file = await find_client(unit, found.client_id)
    card = scorecards.load(found.scorecard)
    return render(
        request,
        "manager/application.html",
        visitor,
        status=status if error else 200,
        application=found,
        file=file,
        title=card.title,
        groups=application_form(found.scorecard, found.fields, with_protected=False).groups,
        scores=await unit.applications.scores(found.id),
        verdicts=await unit.applications.verdicts(found.id),
        notes=await unit.applications.notes(found.id),
        under_way=await unit.scoring_jobs.unfinished(found.id),
        documents=await unit.applications.document_requests(found.id),
        choices=list(Choice),
        reason_codes=list(ReasonCode),
        sent={} if sent is None else sent.texts,
        error=error,
    )
