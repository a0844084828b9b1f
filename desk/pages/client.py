"""A client's pages: the start page, the form of an application, and what was decided about it."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from desk.access.sign_in import Visitor
from desk.api.models import Id
from desk.database.people import Role
from desk.database.work import Status
from desk.lending import applications
from desk.pages.forms import PageForm, application_form, read_application
from desk.pages.render import render, see_other
from desk.pages.roles import LookingAs, SendingAs
from desk.repositories.unit import unit_of_work
from desk.web.look_up import find_application, find_client
from desk.web.problems import not_found
from desk.web.visitors import DeskDatabase
from scoring import scorecards

router = APIRouter(prefix="/my", include_in_schema=False)
Looking = Annotated[Visitor, Depends(LookingAs(Role.CLIENT))]
Sending = Annotated[PageForm, Depends(SendingAs(Role.CLIENT))]


@router.get("")
async def home(request: Request, database: DeskDatabase, visitor: Looking) -> Response:
    """Show profile, manager, credit with its payments, and the applications."""
    async with unit_of_work(database, visitor.viewer) as unit:
        file = await find_client(unit, visitor.viewer.client_id)
        manager = None if file.client.manager_id is None else await unit.managers.get(file.client.manager_id)
        found = await unit.applications.of_client(file.client.id)
        rows = [
            (
                one,
                next(iter(await unit.applications.scores(one.id)), None),
                next(iter(await unit.applications.verdicts(one.id)), None),
            )
            for one in found
        ]
    offered = [(name, scorecards.load(name).title) for name in request.app.state.scorecards]
    return render(request, "client/home.html", visitor, file=file, manager=manager, rows=rows, offered=offered)


@router.get("/apply/{scorecard}")
async def blank(request: Request, scorecard: str, visitor: Looking) -> Response:
    """Show the form of a new application."""
    _check_offered(request, scorecard)
    return render(request, "client/apply.html", visitor, form=application_form(scorecard, {}), application=None)


@router.post("/apply/{scorecard}")
async def begin(request: Request, scorecard: str, database: DeskDatabase, sent: Sending) -> Response:
    """Keep a new application as a draft, or send it."""
    _check_offered(request, scorecard)
    viewer, send = sent.visitor.viewer, "send" in sent.texts
    fields, errors = read_application(scorecard, sent.texts, complete=send)
    if errors:
        form = application_form(scorecard, {}, sent.texts, errors)
        return render(request, "client/apply.html", sent.visitor, status=422, form=form, application=None)
    async with unit_of_work(database, viewer) as unit:
        application = await applications.begin(unit, viewer.client_id or 0, scorecard, fields, send=send, viewer=viewer)
    request.app.state.dispatcher.wake()
    return see_other(f"/my/applications/{application.id}")


@router.get("/applications/{application_id}")
async def show_application(request: Request, application_id: Id, database: DeskDatabase, visitor: Looking) -> Response:
    """Show an application: the form of a draft, or what was decided."""
    async with unit_of_work(database, visitor.viewer) as unit:
        found = await find_application(unit, application_id)
        if found.status == Status.DRAFT:
            form = application_form(found.scorecard, found.fields)
            return render(request, "client/apply.html", visitor, form=form, application=found)
        return render(
            request,
            "client/application.html",
            visitor,
            application=found,
            title=scorecards.load(found.scorecard).title,
            scores=await unit.applications.scores(found.id),
            verdicts=await unit.applications.verdicts(found.id),
            under_way=await unit.scoring_jobs.unfinished(found.id),
            documents=await unit.applications.document_requests(found.id),
        )


@router.post("/applications/{application_id}")
async def save(request: Request, application_id: Id, database: DeskDatabase, sent: Sending) -> Response:
    """Keep the fields of a draft, or send it."""
    viewer, send = sent.visitor.viewer, "send" in sent.texts
    async with unit_of_work(database, viewer) as unit:
        found = await find_application(unit, application_id)
        fields, errors = read_application(found.scorecard, sent.texts, complete=send)
        form = application_form(found.scorecard, {}, sent.texts, errors)
        if errors:
            return render(request, "client/apply.html", sent.visitor, status=422, form=form, application=found)
        if sent.number("version") != found.version:
            return render(
                request, "client/apply.html", sent.visitor, status=409, form=form, application=found, conflict=True
            )
        await applications.edit(unit, found, fields, send=send, viewer=viewer)
    request.app.state.dispatcher.wake()
    return see_other(f"/my/applications/{application_id}")


@router.post("/applications/{application_id}/withdrawal")
async def withdraw(application_id: Id, database: DeskDatabase, sent: Sending) -> Response:
    """Take an application back."""
    async with unit_of_work(database, sent.visitor.viewer) as unit:
        applications.withdraw(unit, await find_application(unit, application_id))
    return see_other("/my")


def _check_offered(request: Request, scorecard: str) -> None:
    if scorecard not in request.app.state.scorecards:
        raise not_found()
