"""The table of routes: the face dispatches by it, and the OpenAPI document is made from it.

A new route is a row here, its handler in `serving/handlers.py`, its models and a section of
`docs/reference/api.md`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from pydantic import BaseModel

from scoring.application import Application
from scoring.decision import Decision
from serving import handlers
from serving.arrow import ARROW_STREAM
from serving.batches import Batch
from serving.core import Core
from serving.exchange import JSON, Answer, Exchange
from serving.headers import IDENTIFIER, QUOTED_IDENTIFIER
from serving.outcomes import OutcomeBatch, OutcomesTaken
from serving.pages import assets
from serving.pages import handlers as pages
from serving.payloads import BatchDecisions, Explanation, Health, ModelInfo, Reloaded
from serving.refusals import ASK_AGAIN

Handler: TypeAlias = Callable[[Core, Exchange, bytes], Awaitable[Answer]]
"""Takes the core, the request and its body, and returns the answer; raises `ProblemError`, `ValidationError` or an
exception that `serving/refusals.py` lists."""

Content: TypeAlias = type[BaseModel] | type[str] | type[bytes]
"""A model of JSON, text, or bytes; `Application`, `Decision` and their batches stand for the scorecard's own models."""

TEXT = b"text/plain"


@dataclass(frozen=True)
class Body:
    """A body that a route takes.

    Attributes:
        content: its model.
        limit: the member of `Limits` that says how many bytes it may have.
        example: makes an example from the scorecard's example application.
    """

    content: Content
    limit: Literal["application_bytes", "batch_bytes", "arrow_bytes"]
    example: Callable[[dict[str, Any]], Any] | None = None


@dataclass(frozen=True)
class Parameter:
    """A header, or a part of the query, that a route reads."""

    name: str
    place: Literal["header", "query"]
    description: str
    schema: Mapping[str, Any]


@dataclass(frozen=True)
class Route:
    """One path: the requests that it takes, and the answers.

    Attributes:
        path: also the route's name in metrics, log and spans.
        methods: the first one is documented.
        handler: None where BentoML's application answers.
        summary: one line for the OpenAPI document and the pages; None where it is in neither.
        bodies: the bodies that it takes, by media type; without any, none is read.
        answers: the content of a 200, by media type.
        refusals: statuses that only some routes answer with, and why; `refused` has all.
        parameters: those that only some routes read.
        late: what may have been done of a request that was not answered in time, and what to do about it.
        needs_token: whether it asks for the token in SCOREBOX_RELOAD_TOKEN.
        documented: whether it is in the OpenAPI document.
    """

    path: str
    methods: tuple[str, ...]
    handler: Handler | None = None
    summary: str | None = None
    bodies: Mapping[bytes, Body] = field(default_factory=dict)
    answers: Mapping[bytes, Content] = field(default_factory=dict)
    refusals: Mapping[int, str] = field(default_factory=dict)
    parameters: tuple[Parameter, ...] = ()
    late: str | None = None
    needs_token: bool = False
    documented: bool = True

    @property
    def refused(self) -> Mapping[int, str]:
        """All statuses other than 200 that it answers with, and why."""
        late = {504: f"The request was not answered in time; {self.late}."} if self.late else {}
        return {**ANY_ROUTE, **(ANY_BODY if self.bodies else {}), **late, **self.refusals}


ANY_ROUTE = {
    400: "A header that a request gives once is given twice; `errors` names it.",
    405: "The path takes other methods; `Allow` names them.",
    500: "An error of the service.",
}
ANY_BODY = {
    400: "The body is empty, not of its type, or damaged, or a header that a request gives once is given twice.",
    408: "The body did not arrive in time.",
    413: "The body is too large, as it came or unpacked.",
    415: "The body is of another type or charset, or coded by other than gzip.",
    422: "The body breaks the contract; `errors` names field and rule.",
    504: "The request was not answered in time.",
}
DECIDING = {
    409: "The `Idempotency-Key` stands for another request, or for another applicant.",
    503: "The service is overloaded, so that the request waited too long or would be late, or it is shutting down, the "
    "journal takes no records, or the history store does not answer; `Retry-After` says when to come back.",
}
PERHAPS_DECIDED = f"decisions of it may have been made and kept: {ASK_AGAIN}"
SHUTTING_DOWN = {503: "The service is shutting down."}

_IDENTIFIER = {"type": "string", "pattern": f"^{IDENTIFIER}$"}
_KEY = {"type": "string", "pattern": f"^{QUOTED_IDENTIFIER}$"}
ANY_REQUEST = (
    Parameter(
        "X-Request-ID",
        "header",
        "names the request in the answer and the log; replaced if it is longer than 128 characters or holds others "
        "than letters, digits and ._:/+=@-",
        {"type": "string"},
    ),
    Parameter("traceparent", "header", "W3C Trace Context; its trace id goes to the log", {"type": "string"}),
)
CALLER = (
    Parameter(
        "reasons",
        "query",
        "all: the contribution of every reason group, for approvals too",
        {"const": "all", "type": "string"},
    ),
    Parameter(
        "Idempotency-Key",
        "header",
        "the same request under it gets the same decisions, once in the journal; for 24 hours at least. Quotes around "
        "it are no part of it",
        _KEY,
    ),
    Parameter("Applicant-ID", "header", "the caller's name for the applicant, kept in the journal", _IDENTIFIER),
)

_OUTCOME = {"decision_id": "01a1fbe2-5569-7462-838c-3f9e536b1092", "defaulted": 0, "observed_on": "2026-11-21"}

POST = ("POST",)
READ = ("GET", "HEAD")


def reload_route(path: str, handler: Handler, answer: type[BaseModel]) -> Route:
    """Return a route that takes up what release, policy and challenge name now."""
    return Route(
        path,
        POST,
        handler,
        "Take up newly promoted models and policies",
        answers={JSON: answer},
        refusals={
            401: "The token is missing or wrong.",
            409: "Nothing was reloaded; `detail` says why.",
        },
        late="the models are still being loaded, and serve when they are ready",
        needs_token=True,
    )


ROUTES = (
    Route(
        "/predict",
        POST,
        handlers.predict,
        "Decide one application",
        bodies={JSON: Body(Application, "application_bytes", lambda application: application)},
        answers={JSON: Decision},
        refusals=DECIDING,
        parameters=CALLER,
        late=PERHAPS_DECIDED,
    ),
    Route(
        "/predict_batch",
        POST,
        handlers.predict_batch,
        "Decide many applications",
        bodies={
            JSON: Body(Batch, "batch_bytes", lambda application: {"applications": [application]}),
            ARROW_STREAM: Body(bytes, "arrow_bytes"),
        },
        answers={JSON: BatchDecisions, ARROW_STREAM: bytes},
        refusals=DECIDING,
        parameters=CALLER,
        late=PERHAPS_DECIDED,
    ),
    Route(
        "/explain",
        POST,
        handlers.explain,
        "Explain how an application would be decided, and what would change it",
        bodies={JSON: Body(Application, "application_bytes", lambda application: application)},
        answers={JSON: Explanation},
        refusals={503: "The history store does not answer; `Retry-After` says when to come back."},
    ),
    Route(
        "/outcomes",
        POST,
        handlers.outcomes,
        "Attach matured outcomes to decisions",
        bodies={JSON: Body(OutcomeBatch, "batch_bytes", lambda _: {"outcomes": [_OUTCOME]})},
        answers={JSON: OutcomesTaken},
        refusals={503: "The journal is off, or takes no records now; then `Retry-After` says when to come back."},
        late="outcomes of it may have been recorded: send it again, and those are repeated",
    ),
    reload_route("/reload", handlers.reload, Reloaded),
    Route("/model_info", READ, handlers.model_info, "Describe the model that serves", answers={JSON: ModelInfo}),
    Route(
        "/health",
        READ,
        handlers.health,
        "Tell whether the service takes requests",
        answers={JSON: Health},
        refusals=SHUTTING_DOWN,
    ),
    Route("/metrics", READ, handlers.metrics, "Count and measure, for Prometheus", answers={TEXT: str}),
    Route("/docs.json", READ, handlers.docs, documented=False),
    Route("/livez", READ, summary="Tell that the process answers", answers={TEXT: str}),
    Route("/readyz", READ, summary="Tell whether to send requests here", answers={TEXT: str}, refusals=SHUTTING_DOWN),
    Route("/healthz", READ, summary="Tell that the process answers", answers={TEXT: str}),
    Route("/schema.json", READ, documented=False),
)

PAGES = (
    Route("/", READ, pages.home, documented=False),
    Route("/docs", READ, pages.docs, documented=False),
    Route("/redoc", READ, pages.redoc, documented=False),
)
"""The pages for people; SCOREBOX_PAGES switches them off."""
ASSETS = tuple(Route(path, READ, pages.asset, documented=False) for path in assets.ASSETS)
"""The files of the pages; no client asks for them."""
EVERY_ROUTE = (*ROUTES, *PAGES, *ASSETS)
UNKNOWN = Route("unknown", (), handlers.not_found, documented=False)
"""Stands for every path that is no route, whatever the method."""


def routes_of(*, pages: bool) -> tuple[Route, ...]:
    """Return the routes of a service, with the pages or without."""
    return EVERY_ROUTE if pages else ROUTES
