"""Prometheus metrics, with a bounded number of series.

`bentoml serve` sets the client's multiprocess mode up, so the numbers of a worker that died stay
in the totals. A gauge shows the worker that is asked; a server has one. Labels come from fixed
sets: an unknown path is counted as `unknown`.
"""

from __future__ import annotations

import os
from collections import Counter as Counts
from collections.abc import Callable, Iterable

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    GC_COLLECTOR,
    PLATFORM_COLLECTOR,
    PROCESS_COLLECTOR,
    REGISTRY,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
)
from prometheus_client.multiprocess import MultiProcessCollector

from scoring.decision import Decisions
from scoring.errors import FieldError
from scoring.models import ModelRecord

CONTENT_TYPE = CONTENT_TYPE_LATEST.encode()

_SECONDS = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 5.0)
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})

REQUESTS = Counter("scorebox_http_requests_total", "Answered requests.", ["route", "method", "status"])
DURATION = Histogram(
    "scorebox_http_request_duration_seconds", "From the request's head to its answer.", ["route"], buckets=_SECONDS
)
IN_PROGRESS = Gauge(
    "scorebox_http_requests_in_progress",
    "Requests in work, the one that asks included.",
    multiprocess_mode="mostrecent",
)
PREDICTIONS = Counter("scorebox_predictions_total", "Decisions made.", ["scorecard", "variant", "decision"])
BATCH_ROWS = Histogram(
    "scorebox_batch_rows",
    "Rows scored by one session call.",
    buckets=(1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 4096, 16384, 65536),
)
QUEUE_WAIT = Histogram(
    "scorebox_queue_wait_seconds", "How long the oldest rows of a batch waited for it.", buckets=_SECONDS
)
QUEUE_AGE = Gauge(
    "scorebox_queue_oldest_age_seconds",
    "How long the oldest rows in the queue have waited.",
    multiprocess_mode="mostrecent",
)
SHED = Counter("scorebox_requests_shed_total", "Requests refused because they waited too long.")
THIN_FILES = Counter(
    "scorebox_thin_files_total",
    "Decisions made without a history, of those that scorebox_predictions_total counts.",
    ["scorecard", "variant"],
)
HISTORY_FAILURES = Counter(
    "scorebox_history_failures_total", "Requests refused because the history store did not answer."
)
BANDS = Counter("scorebox_decisions_by_band_total", "Decisions made, by risk band.", ["scorecard", "band"])
REASONS = Counter("scorebox_reasons_total", "Principal reasons stated with declines.", ["scorecard", "code"])
COMMIT = Histogram(
    "scorebox_journal_commit_seconds", "How long putting a batch of decisions into the journal took.", buckets=_SECONDS
)
JOURNAL_FAILURES = Counter("scorebox_journal_failures_total", "Requests refused because the journal took no records.")
BROKEN_RULES = Counter("scorebox_broken_rules_total", "Rules that applications broke.", ["rule"])
MODEL_INFO = Gauge(
    "scorebox_model_info",
    "The model that serves; always 1.",
    ["scorecard", "model", "variant", "graph_sha256", "data"],
    multiprocess_mode="mostrecent",
)


class Metrics:
    """The metrics of one server process; label lookups are done once per series."""

    def __init__(self, record: ModelRecord, oldest_wait: Callable[[], float], *, history: bool = False) -> None:
        labels = {"scorecard": record.scorecard, "variant": record.variant}
        self.in_progress = 0
        self._oldest_wait = oldest_wait
        self._approved = PREDICTIONS.labels(decision="approve", **labels)
        self._declined = PREDICTIONS.labels(decision="decline", **labels)
        self._scorecard = record.scorecard
        self._thin = THIN_FILES.labels(**labels) if history else None
        self._requests: dict[tuple[str, str, int], Counter] = {}
        self._durations: dict[str, Histogram] = {}
        MODEL_INFO.labels(
            model=record.tag,
            graph_sha256=record.graph_sha256[:12],
            data="sample" if record.data.sample else "real",
            **labels,
        ).set(1)

    def answered(self, route: str, method: str, status: int, seconds: float) -> None:
        """Counts one answered request."""
        key = (route, method, status)
        counter = self._requests.get(key)
        if counter is None:
            counter = self._series(key)
        counter.inc()
        self._durations[route].observe(seconds)

    def batch(self, rows: int, waited: float) -> None:
        """Counts one batch."""
        BATCH_ROWS.observe(rows)
        QUEUE_WAIT.observe(waited)

    def decided(self, decisions: Decisions) -> None:
        """Counts the decisions of one batch."""
        declined = int(decisions.declined.sum())
        if declined:
            self._declined.inc(declined)
        if declined < len(decisions):
            self._approved.inc(len(decisions) - declined)
        for band, count in Counts(decisions.bands).items():
            BANDS.labels(self._scorecard, band).inc(count)
        stated = Counts(reason["code"] for reasons in decisions.reasons for reason in reasons)
        for code, count in stated.items():
            REASONS.labels(self._scorecard, code).inc(count)
        if self._thin is not None and decisions.thin is not None:
            self._thin.inc(int(decisions.thin.sum()))

    def shed(self) -> None:
        """Counts one request that waited too long."""
        SHED.inc()

    def history_failed(self) -> None:
        """Counts one request that had no answer from the history store."""
        HISTORY_FAILURES.inc()

    def committed(self, seconds: float) -> None:
        """Counts one commit of the journal."""
        COMMIT.observe(seconds)

    def journal_failed(self) -> None:
        """Counts one request whose decision could not be kept."""
        JOURNAL_FAILURES.inc()

    def broken(self, errors: Iterable[FieldError]) -> None:
        """Counts broken rules."""
        for rule, count in Counts(error.rule for error in errors).items():
            BROKEN_RULES.labels(rule).inc(count)

    def exposition(self) -> bytes:
        """All metrics in the text format, over all processes of this server."""
        IN_PROGRESS.set(self.in_progress)
        QUEUE_AGE.set(self._oldest_wait())
        if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
            return generate_latest(REGISTRY)
        registry = CollectorRegistry()
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]  # the client types it so
        for collector in (PROCESS_COLLECTOR, PLATFORM_COLLECTOR, GC_COLLECTOR):
            registry.register(collector)
        return generate_latest(registry)

    def _series(self, key: tuple[str, str, int]) -> Counter:
        route, method, status = key
        counter = REQUESTS.labels(route, method if method in _METHODS else "other", str(status))
        if method in _METHODS:
            self._requests[key] = counter
        self._durations.setdefault(route, DURATION.labels(route))
        return counter
