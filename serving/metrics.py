"""Counts what the service does, in the series of `serving/metric_series.py`.

`bentoml serve` sets the client's multiprocess mode up, so the numbers of a worker that died stay
in the totals.
"""

from __future__ import annotations

import os
from collections import Counter as Counts
from collections.abc import Callable, Iterable
from itertools import product
from typing import Literal, get_args

import numpy as np
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

from scoring.challenger.guard import MEASURES
from scoring.challenger.split import TrafficSplit
from scoring.decision import Basis, Decisions
from scoring.errors import FieldError
from serving import metric_series as series
from serving.copy_progress import CopyProgress
from serving.startup import LoadedModel, StartupConfig

Role = Literal["champion", "challenger"]
ShadowResult = Literal["scored", "dropped", "failed"]
SHADOW_RESULTS: tuple[ShadowResult, ...] = get_args(ShadowResult)

CONTENT_TYPE = CONTENT_TYPE_LATEST.encode()

# Other methods, of which a client may invent any number, are counted as one.
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_EDGES = np.array(series.PD_EDGES, dtype=np.float32)


class Metrics:
    """The metrics of one server process; label lookups are done once per series.

    Args:
        oldest_wait: returns the seconds that the oldest rows in the queue have waited.
    """

    def __init__(self, oldest_wait: Callable[[], float]) -> None:
        self.in_progress = 0
        self._oldest_wait = oldest_wait
        self._traffic_split: TrafficSplit | None = None
        self._predictions: dict[tuple[Role, str, bool], Counter] = {}
        self._requests: dict[tuple[str, str, int], Counter] = {}
        self._durations: dict[str, Histogram] = {}
        self._pds: dict[Role, list[Counter]] = {}
        self._served: list[Gauge] = []
        self._copy_progress = CopyProgress(None, expected=False)
        # A counter that begins with its first event has no increase that Prometheus could see.
        for measure in MEASURES:
            series.WITHDRAWN.labels(measure)
        for result in SHADOW_RESULTS:
            series.CHALLENGES.labels(result)

    def set_serving(self, config: StartupConfig, traffic_split: TrafficSplit) -> None:
        """Set which models and which policy decide from now on."""
        self._traffic_split = traffic_split
        for before in self._served:
            before.set(0)
        self._served = []
        models: list[tuple[Role, LoadedModel]] = [("champion", config.champion)]
        if config.challenger is not None:
            models.append(("challenger", config.challenger[1]))
        for role, loaded in models:
            record = loaded.model.record
            gauge = series.MODEL_INFO.labels(
                scorecard=record.scorecard,
                role=role,
                model=record.tag,
                variant=record.variant,
                graph_sha256=record.graph_sha256[:12],
                data="sample" if record.data.sample else "real",
            )
            gauge.set(1)
            self._served.append(gauge)
            # Of both kinds from 0: where nobody is approved the share of approvals is 0, not unknown.
            for is_decline in (True, False):
                self._predictions_of(record.scorecard, record.variant, role, is_decline)
        self._copy_progress = CopyProgress(config.journal, config.settings.journal_shipped)
        policy = series.CUTOFF.labels(config.scorecard.name, config.policy.id)
        policy.set(config.policy.cutoff)
        self._served.append(policy)

    def expect_faults(self, route: str, methods: Iterable[str], statuses: Iterable[int]) -> None:
        """Let requests of a route that end with these statuses count from 0: a first one is an increase then."""
        for method, status in product(methods, statuses):
            self._counter(route, method, status)

    def count_request(self, route: str, method: str, status: int, seconds: float) -> None:
        """Count one answered request that took `seconds`."""
        self._counter(route, method, status).inc()
        duration = self._durations.get(route)
        if duration is None:
            duration = self._durations[route] = series.DURATION.labels(route)
        duration.observe(seconds)

    def observe_batch(self, rows: int, waited: float) -> None:
        """Record the rows of one batch and the seconds that its oldest rows waited."""
        series.BATCH_ROWS.observe(rows)
        series.QUEUE_WAIT.observe(waited)

    def count_decisions(self, decisions: Decisions, role: Role) -> None:
        """Count the decisions of one batch by role, PD, band, reason and history."""
        basis = decisions.basis
        declined = int(decisions.declined.sum())
        for is_decline, count in ((True, declined), (False, len(decisions) - declined)):
            if count:
                self._predictions_of(basis.scorecard, basis.variant, role, is_decline).inc(count)
        bins = np.bincount(_EDGES.searchsorted(decisions.pd, side="right"), minlength=len(series.PD_EDGES) + 1)
        for counter, count in zip(self._pd_bins(basis, role), bins.tolist(), strict=True):
            if count:
                counter.inc(count)
        for band, count in Counts(decisions.bands).items():
            series.BANDS.labels(basis.scorecard, band).inc(count)
        for code, count in Counts(reason["code"] for reasons in decisions.reasons for reason in reasons).items():
            series.REASONS.labels(basis.scorecard, code).inc(count)
        if decisions.thin is not None:
            series.THIN_FILES.labels(basis.scorecard, basis.variant).inc(int(decisions.thin.sum()))

    def _predictions_of(self, scorecard: str, variant: str, role: Role, is_decline: bool) -> Counter:
        key = (role, variant, is_decline)
        counter = self._predictions.get(key)
        if counter is None:
            decision = "decline" if is_decline else "approve"
            counter = self._predictions[key] = series.PREDICTIONS.labels(scorecard, role, variant, decision)
        return counter

    def _pd_bins(self, basis: Basis, role: Role) -> list[Counter]:
        counters = self._pds.get(role)
        if counters is None:
            edges = [f"{edge:g}" for edge in (*series.PD_EDGES, 1)]
            counters = self._pds[role] = [series.PDS.labels(basis.scorecard, role, below) for below in edges]
        return counters

    def count_shadow(self, result: ShadowResult, rows: int) -> None:
        """Count applications that a shadow has scored, dropped or failed to score."""
        series.CHALLENGES.labels(result).inc(rows)

    def count_withdrawal(self, measure: str) -> None:
        """Count a share of traffic that the guard took back because of `measure`."""
        series.WITHDRAWN.labels(measure).inc()

    def observe_loop_lag(self, seconds: float) -> None:
        """Record by how many seconds the event loop was late."""
        series.LOOP_LAG.observe(seconds)

    def count_shed(self) -> None:
        """Count one request that was refused because it waited too long."""
        series.SHED.inc()

    def count_history_failure(self) -> None:
        """Count one request that was refused because the history store did not answer."""
        series.HISTORY_FAILURES.inc()

    def observe_commit(self, seconds: float) -> None:
        """Record the seconds that one commit of the journal took."""
        series.COMMIT.observe(seconds)

    def count_journal_failure(self) -> None:
        """Count one request that was refused because the journal took no records."""
        series.JOURNAL_FAILURES.inc()

    def count_dropped_lines(self, count: int) -> None:
        """Count log lines that could not be written."""
        series.LOG_DROPPED.inc(count)

    def count_broken_rules(self, errors: Iterable[FieldError]) -> None:
        """Count the rules that a request broke."""
        for rule, count in Counts(error.rule for error in errors).items():
            series.BROKEN_RULES.labels(rule).inc(count)

    def exposition(self) -> bytes:
        """Return all metrics in Prometheus's text format, summed over the processes of this server."""
        series.IN_PROGRESS.set(self.in_progress)
        series.QUEUE_AGE.set(self._oldest_wait())
        self._set_journal_gauges()
        if self._traffic_split is not None:
            challenger = self._traffic_split.challenger
            series.CHALLENGER_SHARE.set(self._traffic_split.share)
            series.CHALLENGER_PLANNED_SHARE.set(0 if challenger is None else challenger.challenge.share)
            measures = {} if self._traffic_split.guard is None else self._traffic_split.guard.measures()
            for measure in MEASURES:
                series.GUARD.labels(measure).set(measures.get(measure, 0.0))
        if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
            return generate_latest(REGISTRY)
        registry = CollectorRegistry()
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]  # the client types it so
        for collector in (PROCESS_COLLECTOR, PLATFORM_COLLECTOR, GC_COLLECTOR):
            registry.register(collector)
        return generate_latest(registry)

    def _set_journal_gauges(self) -> None:
        progress = self._copy_progress.read()
        series.JOURNAL_LAST.set(progress.last)
        series.JOURNAL_SHIPPED.set(progress.shipped)
        series.JOURNAL_LAG.set(progress.lag)
        series.JOURNAL_SHIP_EXPECTED.set(progress.expected)

    def _counter(self, route: str, method: str, status: int) -> Counter:
        key = (route, method, status)
        counter = self._requests.get(key)
        if counter is None:
            counter = series.REQUESTS.labels(route, method if method in _METHODS else "other", str(status))
            if method in _METHODS:
                self._requests[key] = counter
        return counter
