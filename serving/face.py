"""The ASGI face: it answers the hot routes and gates everything else.

It stands outside BentoML's own application, whose middleware and IO layer cost more than all the
rest of a request. What it does not answer itself it passes on, if the path is one of BentoML's;
errors from there leave as problem details too.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import logging
import traceback
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from typing import NoReturn

from pydantic import SecretStr, ValidationError

from scoring.errors import field_errors
from scoring.scorer import BatchSlice, Caller
from serving.access_log import AccessLog
from serving.arrow import ARROW_STREAM, TableRows, write_decisions
from serving.core import Core
from serving.exchange import JSON, ASGIApp, ClientGoneError, Exchange, Headers, Message, Receive, Scope, Send
from serving.metrics import CONTENT_TYPE
from serving.payloads import batch_decisions
from serving.problems import PROBLEM_JSON, ProblemError, broken_rules, to_json
from serving.serving_models import MOST_APPLICATION_BYTES
from serving.tracing import Tracing

logger = logging.getLogger("bentoml.scorebox")

# nginx's number for a client that closed the connection before it was answered.
CLIENT_GONE = 499

# Naming what is wrong with an empty application takes 0.1 ms, and a small body holds many of them.
INLINE_BATCH_BYTES = 2 << 10

Handler = Callable[[Exchange], Awaitable[None]]

_CLOSE: Headers = [(b"connection", b"close")]


@dataclass(frozen=True, slots=True)
class Route:
    """A path that is answered, and by what; without a handler by BentoML."""

    name: str
    methods: frozenset[str]
    handler: Handler | None = None


_READ = frozenset({"GET", "HEAD"})
PASSED_ON = ("/", "/livez", "/readyz", "/healthz", "/schema.json")
PASSED_ON_BELOW = "/static_content/"


class Face:
    """See the module's docstring.

    Args:
        app: BentoML's application.
        core: what the service offers.
        openapi: makes the OpenAPI document; called once, when it is first asked for.
        access_log: where requests are logged, None for nowhere.
        tracing: where spans go, None for nowhere.
    """

    def __init__(
        self,
        app: ASGIApp,
        core: Core,
        openapi: Callable[[], bytes],
        access_log: AccessLog | None,
        tracing: Tracing | None = None,
    ) -> None:
        self._app = app
        self._core = core
        self._openapi = openapi
        self._document: bytes | None = None
        self._access_log = access_log
        self._tracing = tracing
        self._timeout = core.settings.request_timeout
        self._application_bytes = min(MOST_APPLICATION_BYTES, core.settings.max_body_bytes)
        self._validate_application = core.application.__pydantic_validator__.validate_json
        self._validate_batch = core.batch.__pydantic_validator__.validate_json
        self._validate_outcomes = core.outcome_batch.__pydantic_validator__.validate_json
        post = frozenset({"POST"})
        self._routes = {
            "/predict": Route("/predict", post, self._predict),
            "/predict_batch": Route("/predict_batch", post, self._predict_batch),
            "/explain": Route("/explain", post, self._explain),
            "/outcomes": Route("/outcomes", post, self._outcomes),
            "/reload": Route("/reload", post, self._reload),
            "/model_info": Route("/model_info", _READ, self._model_info),
            "/health": Route("/health", _READ, self._health),
            "/metrics": Route("/metrics", _READ, self._metrics),
            "/docs.json": Route("/docs.json", _READ, self._docs),
            **{path: Route(path, _READ) for path in PASSED_ON},
        }
        self._static = Route(PASSED_ON_BELOW, _READ)
        self._unknown = Route("unknown", frozenset(), _not_found)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The ASGI application."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        path: str = scope["path"]
        route = self._routes.get(path)
        if route is None:
            route = self._static if path.startswith(PASSED_ON_BELOW) else self._unknown
        exchange = Exchange(scope, receive, send, route.name)
        metrics = self._core.metrics
        metrics.in_progress += 1
        try:
            await self._serve(route, exchange, scope, receive, send)
        finally:
            metrics.in_progress -= 1
            self._account(exchange)

    def _account(self, exchange: Exchange) -> None:
        seconds = exchange.seconds()
        status = exchange.status or CLIENT_GONE
        self._core.metrics.answered(exchange.route, exchange.method, status, seconds)
        if self._tracing is not None:
            self._tracing.record(exchange, status, seconds)
        if self._access_log is not None:
            self._access_log.write(
                method=exchange.method,
                route=exchange.route,
                status=status,
                seconds=seconds,
                rows=exchange.rows,
                request_id=exchange.request_id.decode(),
                trace_id=exchange.trace_id,
                decision_id=exchange.decision_id,
            )

    async def _serve(self, route: Route, exchange: Exchange, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            async with asyncio.timeout(self._timeout):
                if exchange.method not in route.methods and route is not self._unknown:
                    _refuse_method(route)
                if route.handler is None:
                    await self._pass_on(exchange, scope, receive, send)
                else:
                    await route.handler(exchange)
        except ClientGoneError:
            return
        except Exception as error:
            problem = self._problem(error, exchange)
            if exchange.status:
                # The answer had begun: breaking the connection is all that is left to say.
                raise problem from None
            await self._answer(exchange, problem.status, problem.body(), PROBLEM_JSON, problem.headers)

    def _problem(self, error: Exception, exchange: Exchange) -> ProblemError:
        if isinstance(error, ProblemError):
            return error
        if isinstance(error, ValidationError):
            errors = field_errors(error)
            self._core.metrics.broken(errors)
            if errors[0].rule == "json_invalid":
                return ProblemError(HTTPStatus.BAD_REQUEST, "the body is not JSON", errors=errors)
            return broken_rules(errors)
        if isinstance(error, TimeoutError):
            if exchange.reading:
                detail = f"the body did not arrive within {self._timeout:g} s"
                return ProblemError(HTTPStatus.REQUEST_TIMEOUT, detail, headers=_CLOSE)
            return ProblemError(HTTPStatus.GATEWAY_TIMEOUT, f"the request was not answered within {self._timeout:g} s")
        # The message of an error may hold a value; where it came from does not.
        where = "".join(traceback.format_tb(error.__traceback__))
        request_id = exchange.request_id.decode()
        logger.error("%s in %s, request %s\n%s", type(error).__name__, exchange.route, request_id, where)
        detail = f"an error of the service; its log names request {request_id}"
        return ProblemError(HTTPStatus.INTERNAL_SERVER_ERROR, detail)

    async def _answer(
        self, exchange: Exchange, status: int, body: bytes, content_type: bytes = JSON, extra: Headers | None = None
    ) -> None:
        if self._core.draining:
            extra = (extra or []) + _CLOSE
        await exchange.answer(status, body, content_type, extra)

    async def _predict(self, exchange: Exchange) -> None:
        if exchange.content_type != JSON:
            raise _wrong_type("application/json")
        body = await exchange.body(self._application_bytes)
        caller = _caller(exchange, body)
        application = self._validate_application(body)
        exchange.rows = 1
        decision = await self._core.predict(application, caller)
        exchange.decision_id = decision["decision_id"]
        await self._answer(exchange, 200, to_json(decision))

    async def _predict_batch(self, exchange: Exchange) -> None:
        content_type = exchange.content_type
        if content_type == ARROW_STREAM:
            await self._predict_table(exchange)
            return
        if content_type != JSON:
            raise _wrong_type(f"application/json or {ARROW_STREAM.decode()}")
        body = await exchange.body(self._core.settings.max_body_bytes)
        caller = _caller(exchange, body)
        if len(body) > INLINE_BATCH_BYTES:
            batch = await self._core.read_aside(partial(self._validate_batch, body))
        else:
            batch = self._validate_batch(body)
        exchange.rows = len(batch.applications)
        answer = await self._core.predict_batch(batch, caller)
        # Reasons are many small objects; decisions alone are written faster than handed to a thread.
        await self._answer(
            exchange, 200, await asyncio.to_thread(to_json, answer) if answer["errors"] else to_json(answer)
        )

    async def _predict_table(self, exchange: Exchange) -> None:
        body = await exchange.body(self._core.settings.max_arrow_bytes)
        caller = _caller(exchange, body)
        table, shares = await self._core.predict_table(body, caller)
        exchange.rows = table.count
        if ARROW_STREAM in exchange.headers.get(b"accept", b""):
            write, content_type = write_decisions, ARROW_STREAM
        else:
            write, content_type = _write_json, JSON
        answer = await asyncio.to_thread(write, table, shares, every_reason=caller.every_reason)
        await self._answer(exchange, 200, answer, content_type)

    async def _explain(self, exchange: Exchange) -> None:
        if exchange.content_type != JSON:
            raise _wrong_type("application/json")
        application = self._validate_application(await exchange.body(self._application_bytes))
        exchange.rows = 1
        explanation = await self._core.explain(application)
        await self._answer(exchange, 200, explanation.model_dump_json(by_alias=True).encode())

    async def _outcomes(self, exchange: Exchange) -> None:
        if exchange.content_type != JSON:
            raise _wrong_type("application/json")
        body = await exchange.body(self._core.settings.max_body_bytes)
        batch = await asyncio.to_thread(self._validate_outcomes, body)
        exchange.rows = len(batch.outcomes)
        taken = await self._core.outcomes(batch, Caller(exchange.request_id.decode()))
        await self._answer(exchange, 200, taken.model_dump_json().encode())

    async def _reload(self, exchange: Exchange) -> None:
        _authorise(exchange, self._core.settings.reload_token)
        # Checking and warming models may take longer than a request; what serves goes on meanwhile.
        reloaded = await asyncio.shield(self._core.reload())
        await self._answer(exchange, 200, reloaded.model_dump_json().encode())

    async def _model_info(self, exchange: Exchange) -> None:
        await self._answer(exchange, 200, self._core.model_info.model_dump_json().encode())

    async def _health(self, exchange: Exchange) -> None:
        if self._core.draining:
            raise ProblemError(HTTPStatus.SERVICE_UNAVAILABLE, "the service is shutting down")
        await self._answer(exchange, 200, self._core.health.model_dump_json().encode())

    async def _metrics(self, exchange: Exchange) -> None:
        body = await asyncio.to_thread(self._core.metrics.exposition)
        await self._answer(exchange, 200, body, CONTENT_TYPE)

    async def _docs(self, exchange: Exchange) -> None:
        if self._document is None:
            self._document = self._openapi()
        await self._answer(exchange, 200, self._document)

    async def _pass_on(self, exchange: Exchange, scope: Scope, receive: Receive, send: Send) -> None:
        refused: int | None = None

        async def pass_back(message: Message) -> None:
            nonlocal refused
            if message["type"] == "http.response.start":
                if message["status"] >= HTTPStatus.BAD_REQUEST:
                    refused = message["status"]
                    return
                exchange.status = message["status"]
                message["headers"] = [*message["headers"], *exchange.own_headers()]
                if self._core.draining:
                    message["headers"] += _CLOSE
            if refused is None:
                await send(message)

        await self._app(scope, receive, pass_back)
        if refused is not None:
            status = HTTPStatus(refused)
            raise ProblemError(status, f"{exchange.route} answers: {status.phrase}")


def _authorise(exchange: Exchange, token: SecretStr | None) -> None:
    """Lets the bearer of the token pass."""
    scheme, _, given = exchange.headers.get(b"authorization", b"").partition(b" ")
    expected = token.get_secret_value().encode() if token else b""
    if not expected or scheme.lower() != b"bearer" or not hmac.compare_digest(given.strip(), expected):
        detail = "this takes the header Authorization: Bearer, with the token in SCOREBOX_RELOAD_TOKEN"
        headers = [(b"www-authenticate", b'Bearer realm="scorebox"')]
        raise ProblemError(HTTPStatus.UNAUTHORIZED, detail, headers=headers)


async def _not_found(_: Exchange) -> None:
    raise ProblemError(HTTPStatus.NOT_FOUND, "there is nothing here; GET /docs.json lists what there is")


def _caller(exchange: Exchange, body: bytes) -> Caller:
    """Who asks, by headers and query."""
    every_reason = bool(exchange.query) and exchange.choice("reasons", "all")
    key = exchange.name("Idempotency-Key")
    request_sha256 = b""
    if key is not None:
        same = (exchange.route.encode(), exchange.query, exchange.content_type, body)
        request_sha256 = hashlib.sha256(b"\n".join(same)).digest()
    return Caller(exchange.request_id.decode(), exchange.name("Applicant-ID"), key, request_sha256, every_reason)


def _write_json(table: TableRows, shares: list[BatchSlice], *, every_reason: bool) -> bytes:
    answer = batch_decisions(table.count, shares, table.positions.tolist(), table.errors, every_reason=every_reason)
    return to_json(answer)


def _refuse_method(route: Route) -> NoReturn:
    allowed = ", ".join(sorted(route.methods))
    detail = f"{route.name} takes {allowed}"
    raise ProblemError(HTTPStatus.METHOD_NOT_ALLOWED, detail, headers=[(b"allow", allowed.encode())])


def _wrong_type(expected: str) -> ProblemError:
    return ProblemError(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, f"the Content-Type must be {expected}")
