"""The table of exceptions: which problem answers each that keeps the service from deciding.

Both doors use it: the face answers with the problem, the typed methods with BentoML's form of it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from math import ceil

from scoring.batcher import BatcherClosedError, QueueTimeoutError
from scoring.history.store import HistoryUnavailableError
from scoring.journal.names import KeyConflictError
from scoring.journal.transaction import JournalUnavailableError
from scoring.scorer import PARTLY_DECIDED
from scoring.turns import LateError
from serving.metrics import Metrics
from serving.problems import ProblemError

ASK_AGAIN = "the same request under the same Idempotency-Key gets those and the rest"
"""Advice about a request of which decisions are kept and were not answered."""

logger = logging.getLogger("bentoml.scorebox")


class OutcomesNotKeptError(RuntimeError):
    """The journal takes no outcomes now; the message says why."""


@dataclass(frozen=True)
class Refusal:
    """The problem that answers one kind of exception."""

    status: HTTPStatus
    detail: str
    """`{error}` stands for the exception's message."""
    count: Callable[[Metrics], None] | None = None
    """Counts it in the metrics."""
    log: bool = False
    """Whether the exception's message goes to the log; it holds nothing that a caller sent."""


REFUSALS: Mapping[type[Exception], Refusal] = {
    KeyConflictError: Refusal(
        HTTPStatus.CONFLICT,
        "the Idempotency-Key stands for another request or applicant: give this one its own key",
    ),
    QueueTimeoutError: Refusal(
        HTTPStatus.SERVICE_UNAVAILABLE,
        "the service is overloaded: the request {error}; send it again later",
        Metrics.count_shed,
    ),
    LateError: Refusal(HTTPStatus.SERVICE_UNAVAILABLE, "the service is overloaded: {error}", Metrics.count_shed),
    BatcherClosedError: Refusal(HTTPStatus.SERVICE_UNAVAILABLE, "the service is shutting down; send the request again"),
    HistoryUnavailableError: Refusal(
        HTTPStatus.SERVICE_UNAVAILABLE, "{error}; send the request again later", Metrics.count_history_failure
    ),
    JournalUnavailableError: Refusal(
        HTTPStatus.SERVICE_UNAVAILABLE,
        "the decision cannot be kept, so none was made; send the request again later",
        Metrics.count_journal_failure,
        log=True,
    ),
    OutcomesNotKeptError: Refusal(
        HTTPStatus.SERVICE_UNAVAILABLE,
        "the outcomes cannot be kept now; send them again later",
        Metrics.count_journal_failure,
        log=True,
    ),
}


def problem_for(error: Exception, metrics: Metrics) -> ProblemError | None:
    """Return the problem that answers an exception, and count it; None if the table does not hold its kind."""
    if isinstance(error, ProblemError):
        return error
    for kind in type(error).__mro__:
        refusal = REFUSALS.get(kind)
        if refusal is not None:
            break
    else:
        return None
    if refusal.count is not None:
        refusal.count(metrics)
    if refusal.log:
        logger.error("%s", error)
    detail = refusal.detail.format(error=error)
    if PARTLY_DECIDED in getattr(error, "__notes__", ()):
        detail += f"; {PARTLY_DECIDED}: {ASK_AGAIN}"
    retry = [(b"retry-after", _seconds(error))] if refusal.status == HTTPStatus.SERVICE_UNAVAILABLE else []
    return ProblemError(refusal.status, detail, headers=retry)


def _seconds(error: Exception) -> bytes:
    """Return after how many seconds to come back."""
    wait = error.retry_after if isinstance(error, LateError) else 1
    return str(max(1, ceil(wait))).encode()
