"""The handlers of the routes: each reads a request, calls the core and writes the answer."""

from __future__ import annotations

import asyncio
import hmac
from functools import partial
from http import HTTPStatus

import orjson
from pydantic import SecretStr

from scoring.decision import BatchSlice
from scoring.scorer import Caller
from serving.arrow import ARROW_STREAM, TableRows, write_decisions
from serving.core import Core
from serving.exchange import JSON, Answer, Exchange
from serving.headers import prefers
from serving.metrics import CONTENT_TYPE
from serving.payloads import batch_decisions
from serving.problems import ProblemError, to_json

# Naming the errors of an empty application takes 0.1 ms, and a small body holds many of them.
INLINE_BATCH_BYTES = 2 << 10


async def predict(core: Core, exchange: Exchange, body: bytes) -> Answer:
    """Decide one application."""
    caller = exchange.caller(body, core.settings.request_timeout)
    application = core.read_application(body)
    exchange.rows = 1
    decision = await core.predict(application, caller)
    exchange.decision_id = decision["decision_id"]
    return Answer(orjson.dumps(decision))


async def predict_batch(core: Core, exchange: Exchange, body: bytes) -> Answer:
    """Decide many applications, sent as JSON or as an Arrow stream."""
    caller = exchange.caller(body, core.settings.request_timeout)
    if exchange.content_type == ARROW_STREAM:
        return await _predict_table(core, exchange, body, caller)
    if len(body) > INLINE_BATCH_BYTES:
        batch = await core.read_in_thread(partial(core.read_batch, body))
    else:
        batch = core.read_batch(body)
    exchange.rows = len(batch.applications)
    decisions = await core.predict_batch(batch, caller)
    # Errors are many small objects; decisions alone are written faster than handed to a thread.
    return Answer(await asyncio.to_thread(to_json, decisions) if decisions["errors"] else to_json(decisions))


async def _predict_table(core: Core, exchange: Exchange, body: bytes, caller: Caller) -> Answer:
    table, slices = await core.predict_table(body, caller)
    exchange.rows = table.count
    if prefers(exchange.headers.get(b"accept", b""), ARROW_STREAM, to=JSON):
        write, content_type = write_decisions, ARROW_STREAM
    else:
        write, content_type = _write_json, JSON
    return Answer(await asyncio.to_thread(write, table, slices, every_reason=caller.every_reason), content_type)


async def explain(core: Core, exchange: Exchange, body: bytes) -> Answer:
    """Explain how an application would be decided."""
    application = core.read_application(body)
    exchange.rows = 1
    explanation = await core.explain(application)
    return Answer(explanation.model_dump_json(by_alias=True).encode())


async def outcomes(core: Core, exchange: Exchange, body: bytes) -> Answer:
    """Attach matured outcomes to decisions."""
    batch = await asyncio.to_thread(core.read_outcomes, body)
    exchange.rows = len(batch.outcomes)
    recorded = await core.outcomes(batch, Caller(exchange.request_id.decode()))
    return Answer(recorded.model_dump_json().encode())


async def reload(core: Core, exchange: Exchange, _: bytes) -> Answer:
    """Load what release, policy and challenge name now."""
    authorise(exchange, core.settings.reload_token)
    # Checking and warming models may take longer than a request; the models before serve meanwhile.
    reloaded = await asyncio.shield(core.reload())
    return Answer(reloaded.model_dump_json().encode())


async def model_info(core: Core, _: Exchange, __: bytes) -> Answer:
    """Describe the model that serves."""
    return Answer(core.model_info.model_dump_json().encode())


async def health(core: Core, _: Exchange, __: bytes) -> Answer:
    """Tell whether the service takes requests."""
    require_ready(core)
    return Answer(core.health.model_dump_json().encode())


async def metrics(core: Core, _: Exchange, __: bytes) -> Answer:
    """Write the metrics in Prometheus's text format."""
    return Answer(await asyncio.to_thread(core.metrics.exposition), CONTENT_TYPE)


async def docs(core: Core, _: Exchange, __: bytes) -> Answer:
    """Write the OpenAPI document."""
    return Answer(core.openapi())


async def not_found(_: Core, __: Exchange, ___: bytes) -> Answer:
    """Refuse a path that is no route."""
    raise ProblemError(HTTPStatus.NOT_FOUND, "there is nothing here; GET /docs.json lists what there is")


def require_ready(core: Core) -> None:
    """Check that the service takes requests.

    Raises:
        ProblemError: it is shutting down.
    """
    if core.draining:
        raise ProblemError(HTTPStatus.SERVICE_UNAVAILABLE, "the service is shutting down")


def authorise(exchange: Exchange, token: SecretStr | None) -> None:
    """Let the bearer of the token pass.

    Raises:
        ProblemError: the token is missing or wrong, or the service has none.
    """
    scheme, _, given = exchange.headers.get(b"authorization", b"").partition(b" ")
    expected = token.get_secret_value().encode() if token else b""
    if not expected or scheme.lower() != b"bearer" or not hmac.compare_digest(given.strip(), expected):
        detail = "this takes the header Authorization: Bearer, with the token in SCOREBOX_RELOAD_TOKEN"
        headers = [(b"www-authenticate", b'Bearer realm="scorebox"')]
        raise ProblemError(HTTPStatus.UNAUTHORIZED, detail, headers=headers)


def _write_json(table: TableRows, slices: list[BatchSlice], *, every_reason: bool) -> bytes:
    positions = table.positions.tolist()
    return to_json(batch_decisions(table.count, slices, positions, table.errors, every_reason=every_reason))
