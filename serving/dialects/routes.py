"""Make the routes of a scorecard's dialects: rows of the same table, with an OpenAPI document for each."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial

from scoring.request_dialect import Purpose, RequestDialect
from serving import openapi
from serving.batches import batch_model
from serving.core import Core
from serving.dialects.handlers import DialectHandlers
from serving.dialects.payloads import DialectHealth, DialectModelInfo, DialectReloaded, batch_answer_model
from serving.exchange import JSON, Answer, Exchange
from serving.routes import (
    CALLER,
    DECIDING,
    PERHAPS_DECIDED,
    POST,
    READ,
    SHUTTING_DOWN,
    Body,
    Handler,
    Route,
    reload_route,
)

DOCUMENT = "/openapi.json"


def dialect_routes(core: Core) -> tuple[Route, ...]:
    """Return the routes of all dialects of the scorecard that serves."""
    return tuple(route for dialect in core.scorecard.dialects for route in _routes(dialect, core))


def _routes(dialect: RequestDialect, core: Core) -> tuple[Route, ...]:
    batch = batch_model(dialect.application, core.limits.batch_rows)
    handlers = DialectHandlers(dialect, batch)
    makers: dict[Purpose, Callable[[str], Route]] = {
        "predict": lambda path: Route(
            path,
            POST,
            handlers.predict,
            "Decide one application",
            bodies={JSON: Body(dialect.application, "application_bytes", lambda _: dict(dialect.example))},
            answers={JSON: dialect.answer},
            refusals=DECIDING,
            parameters=CALLER[1:],
            late=PERHAPS_DECIDED,
        ),
        "predict_batch": lambda path: Route(
            path,
            POST,
            handlers.predict_batch,
            "Decide many applications, or none if one of them is broken",
            bodies={JSON: Body(batch, "batch_bytes", lambda _: {"applications": [dict(dialect.example)]})},
            answers={JSON: batch_answer_model(dialect)},
            refusals=DECIDING,
            parameters=CALLER[1:],
            late=PERHAPS_DECIDED,
        ),
        "health": lambda path: Route(
            path,
            READ,
            handlers.health,
            "Tell whether the service takes requests",
            answers={JSON: DialectHealth},
            refusals=SHUTTING_DOWN,
        ),
        "model_info": lambda path: Route(
            path, READ, handlers.model_info, "Describe the model that serves", answers={JSON: DialectModelInfo}
        ),
        "reload": lambda path: reload_route(path, handlers.reload, DialectReloaded),
    }
    routes = tuple(makers[purpose](dialect.prefix + path) for purpose, path in dialect.paths.items())
    return (*routes, Route(dialect.prefix + DOCUMENT, READ, _document(dialect, routes, core), documented=False))


def _document(dialect: RequestDialect, routes: tuple[Route, ...], core: Core) -> Handler:
    make = cache(
        partial(
            openapi.document,
            routes,
            core,
            {"paths": {}},
            f"{dialect.title}: other words for the same decisions.",
            title=dialect.title,
            server="..",
        )
    )

    async def document(_: Core, __: Exchange, ___: bytes) -> Answer:
        """Write the dialect's OpenAPI document."""
        return Answer(make())

    return document
