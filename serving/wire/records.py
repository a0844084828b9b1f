"""Count and log what no application sees: refusals, and answers that a client did not take."""

from __future__ import annotations

from serving.access_log import AccessLog
from serving.metrics import Metrics
from serving.routes import UNKNOWN
from serving.wire.refusal import Refusal


class WireRecords:
    """Counts and logs.

    Args:
        metrics: where refusals are counted.
        access_log: where both are logged, None for nowhere.
    """

    def __init__(self, metrics: Metrics, access_log: AccessLog | None) -> None:
        self._metrics = metrics
        self._access_log = access_log

    def record_refusal(self, refusal: Refusal) -> None:
        """Record a refused request."""
        status = int(refusal.problem.status)
        self._metrics.count_request(UNKNOWN.path, refusal.method, status, refusal.seconds)
        if self._access_log is not None:
            self._access_log.write(
                method=refusal.method,
                route=UNKNOWN.path,
                status=status,
                seconds=refusal.seconds,
                rows=0,
                request_id=refusal.request_id,
                trace_id=None,
            )

    def record_not_taken(self, request_id: str) -> None:
        """Record an answer that its client did not take."""
        if self._access_log is not None:
            self._access_log.write_not_taken(request_id)
