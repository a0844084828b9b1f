"""The ASGI face: it dispatches requests by the table of routes.

It stands outside BentoML's own application, whose middleware and IO layer cost more than all the
rest of a request. The face passes on the routes that BentoML answers, and no other path; errors
from there leave as problem details too.
"""

from __future__ import annotations

import asyncio
import logging
import traceback
from collections.abc import Sequence
from http import HTTPStatus
from time import perf_counter

from pydantic import ValidationError

from scoring.errors import field_errors
from serving.access_log import AccessLog
from serving.core import Core
from serving.cors import CrossOrigin
from serving.exchange import Answer, ASGIApp, ClientGoneError, Exchange, Headers, Message, Receive, Scope, Send
from serving.problems import PROBLEM_JSON, ProblemError, broken_rules
from serving.refusals import problem_for
from serving.routes import UNKNOWN, Route
from serving.tracing import Tracing

logger = logging.getLogger("bentoml.scorebox")

_CLOSE: Headers = [(b"connection", b"close")]


class Face:
    """The ASGI application in front of BentoML's.

    Args:
        app: BentoML's application.
        core: answers the routes.
        routes: the table.
        access_log: where requests are logged, None for nowhere.
        tracing: where spans go, None for nowhere.
    """

    def __init__(
        self,
        app: ASGIApp,
        core: Core,
        routes: Sequence[Route],
        access_log: AccessLog | None,
        tracing: Tracing | None = None,
    ) -> None:
        self._app = app
        self._core = core
        for route in routes:
            faults = [status for status in route.refused if status >= HTTPStatus.INTERNAL_SERVER_ERROR]
            core.metrics.expect_faults(route.path, route.methods, faults)
        self._routes = {route.path: route for route in routes}
        limits = core.limits.model_dump()
        self._max_bytes: dict[str, dict[bytes, int]] = {
            route.path: {media_type: limits[body.limit] for media_type, body in route.bodies.items()}
            for route in routes
        }
        self._access_log = access_log
        self._tracing = tracing
        self._cross_origin = CrossOrigin(core.settings.cors_origins, routes)
        self._timeout = core.settings.request_timeout

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        route = self._routes.get(scope["path"], UNKNOWN)
        exchange = Exchange(scope, receive, send, route.path)
        metrics = self._core.metrics
        metrics.in_progress += 1
        try:
            await self._serve(route, exchange, scope, receive, send)
        finally:
            metrics.in_progress -= 1
            self._record(exchange)

    def _record(self, exchange: Exchange) -> None:
        """Record an answered request in the metrics, the trace and the access log."""
        seconds = perf_counter() - exchange.started
        status = exchange.outcome
        self._core.metrics.count_request(exchange.route, exchange.method, status, seconds)
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
            async with asyncio.timeout(self._timeout) as limit:
                exchange.check_headers()
                if exchange.method not in route.methods and route.methods:
                    preflight = self._cross_origin.preflight(route, exchange)
                    if preflight is None:
                        raise _wrong_method(route)
                    await self._answer(exchange, preflight)
                    return
                if route.handler is None:
                    await self._pass_on(exchange, scope, receive, send, limit)
                    return
                body = await exchange.read_body(self._max_bytes[route.path]) if route.bodies else b""
                answer = await route.handler(self._core, exchange, body)
            # Outside the limit: how fast a client takes its answer is the connection's matter.
            await self._answer(exchange, answer)
        except ClientGoneError:
            return
        except Exception as error:
            problem = self._problem(error, exchange, route)
            if exchange.status:
                # The answer had begun: breaking the connection is all that is left to say.
                raise problem from None
            headers = problem.headers + self._common_headers(exchange)
            await exchange.answer(problem.status, problem.body(), PROBLEM_JSON, headers)

    async def _answer(self, exchange: Exchange, answer: Answer) -> None:
        headers = [*answer.headers, *self._common_headers(exchange)]
        await exchange.answer(answer.status, answer.body, answer.content_type, headers)

    def _common_headers(self, exchange: Exchange) -> Headers:
        """Return the headers that every answer to this request carries, whatever it is."""
        headers = self._cross_origin.headers(exchange)
        return headers + _CLOSE if self._core.draining else headers

    def _problem(self, error: Exception, exchange: Exchange, route: Route) -> ProblemError:
        """Return the problem that answers an exception."""
        if (problem := problem_for(error, self._core.metrics)) is not None:
            return problem
        if isinstance(error, ValidationError):
            errors = field_errors(error)
            self._core.metrics.count_broken_rules(errors)
            if errors[0].rule == "json_invalid":
                return ProblemError(HTTPStatus.BAD_REQUEST, "the body is not JSON", errors=errors)
            return broken_rules(errors)
        if isinstance(error, TimeoutError):
            if exchange.reading:
                detail = f"the body did not arrive within {self._timeout:g} s"
                return ProblemError(HTTPStatus.REQUEST_TIMEOUT, detail, headers=_CLOSE)
            detail = f"the request was not answered within {self._timeout:g} s"
            return ProblemError(HTTPStatus.GATEWAY_TIMEOUT, f"{detail}; {route.late}" if route.late else detail)
        # The message of an error may hold a value; where it came from does not.
        where = "".join(traceback.format_tb(error.__traceback__))
        request_id = exchange.request_id.decode()
        logger.error("%s in %s, request %s\n%s", type(error).__name__, exchange.route, request_id, where)
        detail = f"an error of the service; its log names request {request_id}"
        return ProblemError(HTTPStatus.INTERNAL_SERVER_ERROR, detail)

    async def _pass_on(
        self, exchange: Exchange, scope: Scope, receive: Receive, send: Send, limit: asyncio.Timeout
    ) -> None:
        """Let BentoML's application answer; the time limit ends when it begins to.

        Raises:
            ProblemError: it answers with an error.
        """
        refused: int | None = None

        async def pass_back(message: Message) -> None:
            nonlocal refused
            if message["type"] == "http.response.start":
                if message["status"] >= HTTPStatus.BAD_REQUEST:
                    refused = message["status"]
                    return
                limit.reschedule(None)
                exchange.status = message["status"]
                message["headers"] = [
                    *message["headers"], *exchange.standard_headers(), *self._common_headers(exchange)
                ]  # fmt: skip
            if refused is None:
                await send(message)

        await self._app(scope, receive, pass_back)
        if refused is not None:
            status = HTTPStatus(refused)
            raise ProblemError(status, f"{exchange.route} answers: {status.phrase}")


def _wrong_method(route: Route) -> ProblemError:
    allowed = ", ".join(sorted(route.methods))
    detail = f"{route.path} takes {allowed}"
    return ProblemError(HTTPStatus.METHOD_NOT_ALLOWED, detail, headers=[(b"allow", allowed.encode())])
