"""The desk as an application of HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from desk.access.sign_in import SignIn
from desk.access.tokens import Tokens, read_secret
from desk.api import applications, auth, dashboards, people, scores
from desk.database.connection import Database
from desk.database.revisions import Revisions
from desk.pages import administrator, client, manager, sign_in
from desk.pages.render import STATIC, CachedFiles, error_page
from desk.scoring.dispatcher import Dispatcher
from desk.scoring.service import Service
from desk.settings import DeskSettings, read_settings
from desk.web import problems
from desk.web.headers import Doorkeeper
from desk.web.problems import Problem

REFUSALS = {
    401: "nobody is logged in",
    403: "the role may not do this, or the CSRF token is missing",
    404: "there is nothing here that you may see",
    409: "somebody else changed the same meanwhile",
    413: "the body is too large",
    422: "the request breaks a rule",
    503: "the database does not serve",
}


def from_environment() -> FastAPI:
    """Return the desk by the settings of the environment, for a server that is given this function's name.

    Raises:
        ExpectedError: a setting is missing or wrong.
    """
    return create_app(read_settings())


def create_app(settings: DeskSettings) -> FastAPI:
    """Return the desk.

    Raises:
        ExpectedError: a setting is missing or wrong.
    """
    database = Database(settings.database.get_secret_value())
    given = None if settings.secret is None else settings.secret.get_secret_value()
    tokens = Tokens(read_secret(given, database))

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        await Revisions(database).check()
        services = {name: Service(address, name) for name, address in settings.services.items()}
        app.state.dispatcher = Dispatcher(database, services)
        scoring = asyncio.create_task(app.state.dispatcher.run())
        yield
        scoring.cancel()
        await asyncio.gather(scoring, return_exceptions=True)
        await database.close()

    app = FastAPI(
        title="Scorebox desk",
        description="People at work with decisions. Log in first; changes bring `X-CSRF-Token` of `GET /auth/me`.",
        openapi_url="/openapi.json",
        docs_url=None,
        redoc_url=None,
        lifespan=lifespan,
        responses={status: {"model": Problem, "description": text} for status, text in REFUSALS.items()},
    )
    app.state.database = database
    app.state.scorecards = tuple(settings.services)
    app.state.sign_in = SignIn(database, tokens)
    app.state.error_page = error_page
    problems.install(app)
    for room in (auth, people, applications, scores, dashboards, sign_in, client, manager, administrator):
        app.include_router(room.router)
    app.mount("/static", CachedFiles(directory=STATIC), name="static")
    app.add_middleware(Doorkeeper)
    return app
