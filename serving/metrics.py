"""Prometheus metrics, with a bounded number of series.

`bentoml serve` sets the client's multiprocess mode up, so the numbers of a worker that died stay
in the totals. A gauge shows the worker that is asked; a server has one. Labels come from fixed
sets: an unknown path is counted as `unknown`.
"""

from __future__ import annotations

import math
import os
from collections import Counter as Counts
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Literal

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
from scoring.journal.schema import JournalError
from scoring.journal.shipped import Shipped
from scoring.journal.writer import Journal
from serving.startup import LoadedModel, StartupConfig

Role = Literal["champion", "challenger"]

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
PREDICTIONS = Counter(
    "scorebox_predictions_total", "Decisions made, by who decided.", ["scorecard", "role", "variant", "decision"]
)
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
LOOP_LAG = Histogram(
    "scorebox_event_loop_lag_seconds", "How late the event loop got to what was due.", buckets=_SECONDS
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
PD_EDGES = (0.01, 0.02, 0.03, 0.05, 0.075, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
"""Closer where most portfolios lie; between them and at both ends are the seventeen bins."""
_EDGES = np.array(PD_EDGES, dtype=np.float32)
PDS = Counter(
    "scorebox_decisions_by_pd_total",
    "Decisions made, by PD: from the edge before to, not including, `below`.",
    ["scorecard", "role", "below"],
)
BANDS = Counter("scorebox_decisions_by_band_total", "Decisions made, by risk band.", ["scorecard", "band"])
REASONS = Counter("scorebox_reasons_total", "Principal reasons stated with declines.", ["scorecard", "code"])
COMMIT = Histogram(
    "scorebox_journal_commit_seconds", "How long putting a batch of decisions into the journal took.", buckets=_SECONDS
)
JOURNAL_FAILURES = Counter("scorebox_journal_failures_total", "Requests refused because the journal took no records.")
JOURNAL_LAST = Gauge(
    "scorebox_journal_last_sequence",
    "Sequence of the newest decision in the journal; NaN without a journal.",
    multiprocess_mode="mostrecent",
)
JOURNAL_SHIPPED = Gauge(
    "scorebox_journal_shipped_sequence",
    "Sequence of the newest decision that the shipper has copied; NaN if none ever ran.",
    multiprocess_mode="mostrecent",
)
JOURNAL_LAG = Gauge(
    "scorebox_journal_ship_lag_seconds",
    "Age of the oldest record that the shipper has not copied, 0 if it has all; NaN if none ever ran.",
    multiprocess_mode="mostrecent",
)
BROKEN_RULES = Counter("scorebox_broken_rules_total", "Rules that applications broke.", ["rule"])
MODEL_INFO = Gauge(
    "scorebox_model_info",
    "1 for the models that serve, 0 for those that did before a reload.",
    ["scorecard", "role", "model", "variant", "graph_sha256", "data"],
    multiprocess_mode="mostrecent",
)
CUTOFF = Gauge(
    "scorebox_cutoff",
    "The cut-off of the policy that decides; 0 for those that did before a reload.",
    ["scorecard", "policy"],
    multiprocess_mode="mostrecent",
)
CHALLENGES = Counter(
    "scorebox_challenges_total", "Applications that a model looked on at: scored, dropped or failed.", ["outcome"]
)
CHALLENGER_SHARE = Gauge(
    "scorebox_challenger_share", "Share of applicants that the challenger decides now.", multiprocess_mode="mostrecent"
)
CHALLENGER_PLANNED_SHARE = Gauge(
    "scorebox_challenger_planned_share",
    "Share of applicants that the challenge asks for; the guard may have taken it back.",
    multiprocess_mode="mostrecent",
)
WITHDRAWN = Counter("scorebox_challenger_withdrawn_total", "How often the guard took a share back.", ["measure"])
GUARD = Gauge(
    "scorebox_guard_measure",
    "What the guard compares of challenger and champion, less what chance explains; 0 for too few decisions.",
    ["measure"],
    multiprocess_mode="mostrecent",
)


class Metrics:
    """The metrics of one server process; label lookups are done once per series."""

    def __init__(self, oldest_wait: Callable[[], float]) -> None:
        self.in_progress = 0
        self._oldest_wait = oldest_wait
        self._contest: TrafficSplit | None = None
        self._predictions: dict[tuple[Role, str, bool], Counter] = {}
        self._requests: dict[tuple[str, str, int], Counter] = {}
        self._durations: dict[str, Histogram] = {}
        self._pds: dict[Role, list[Counter]] = {}
        self._served: list[Gauge] = []
        self._journal: Journal | None = None
        # A counter that begins with its first event has no increase that Prometheus could see.
        for measure in MEASURES:
            WITHDRAWN.labels(measure)

    def serves(self, parts: StartupConfig, contest: TrafficSplit) -> None:
        """Says which models and which policy decide from now on."""
        self._contest = contest
        for before in self._served:
            before.set(0)
        self._served = []
        sides: list[tuple[Role, LoadedModel]] = [("champion", parts.champion)]
        if parts.challenger is not None:
            sides.append(("challenger", parts.challenger[1]))
        for role, side in sides:
            record = side.model.record
            gauge = MODEL_INFO.labels(
                scorecard=record.scorecard,
                role=role,
                model=record.tag,
                variant=record.variant,
                graph_sha256=record.graph_sha256[:12],
                data="sample" if record.data.sample else "real",
            )
            gauge.set(1)
            self._served.append(gauge)
        self._journal = parts.journal
        policy = CUTOFF.labels(parts.scorecard.name, parts.policy.id)
        policy.set(parts.policy.cutoff)
        self._served.append(policy)

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

    def decided(self, decisions: Decisions, role: Role) -> None:
        """Counts the decisions of one batch."""
        basis = decisions.basis
        declined = int(decisions.declined.sum())
        for bad, count in ((True, declined), (False, len(decisions) - declined)):
            if count:
                self._predicted(basis, role, bad).inc(count)
        bins = np.bincount(_EDGES.searchsorted(decisions.pd, side="right"), minlength=len(PD_EDGES) + 1)
        for counter, count in zip(self._by_pd(basis, role), bins.tolist(), strict=True):
            if count:
                counter.inc(count)
        for band, count in Counts(decisions.bands).items():
            BANDS.labels(basis.scorecard, band).inc(count)
        for code, count in Counts(reason["code"] for reasons in decisions.reasons for reason in reasons).items():
            REASONS.labels(basis.scorecard, code).inc(count)
        if decisions.thin is not None:
            THIN_FILES.labels(basis.scorecard, basis.variant).inc(int(decisions.thin.sum()))

    def _predicted(self, basis: Basis, role: Role, declined: bool) -> Counter:
        key = (role, basis.variant, declined)
        counter = self._predictions.get(key)
        if counter is None:
            decision = "decline" if declined else "approve"
            counter = self._predictions[key] = PREDICTIONS.labels(basis.scorecard, role, basis.variant, decision)
        return counter

    def _by_pd(self, basis: Basis, role: Role) -> list[Counter]:
        counters = self._pds.get(role)
        if counters is None:
            edges = [f"{edge:g}" for edge in (*PD_EDGES, 1)]
            counters = self._pds[role] = [PDS.labels(basis.scorecard, role, below) for below in edges]
        return counters

    def shadowed(self, outcome: Literal["scored", "dropped", "failed"], rows: int) -> None:
        """Counts applications that a model looked on at."""
        CHALLENGES.labels(outcome).inc(rows)

    def withdrawn(self, measure: str) -> None:
        """Counts a share that the guard took back."""
        WITHDRAWN.labels(measure).inc()

    def loop_was_late(self, seconds: float) -> None:
        """Takes how late the event loop was."""
        LOOP_LAG.observe(seconds)

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
        self._show_journal()
        if self._contest is not None:
            opponent = self._contest.opponent
            CHALLENGER_SHARE.set(self._contest.share)
            CHALLENGER_PLANNED_SHARE.set(0 if opponent is None else opponent.challenge.share)
            found = {} if self._contest.guard is None else self._contest.guard.measures()
            for measure in MEASURES:
                GUARD.labels(measure).set(found.get(measure, 0.0))
        if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
            return generate_latest(REGISTRY)
        registry = CollectorRegistry()
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]  # the client types it so
        for collector in (PROCESS_COLLECTOR, PLATFORM_COLLECTOR, GC_COLLECTOR):
            registry.register(collector)
        return generate_latest(registry)

    def _show_journal(self) -> None:
        last = shipped = lag = math.nan
        if self._journal is not None:
            last = self._journal.last_sequence
            # The other metrics are the more needed when the disk of the journal fails.
            with suppress(JournalError):
                if (copy := Shipped.read(self._journal.folder)) is not None:
                    shipped, lag = copy.decisions, copy.lag(self._journal.folder)
        JOURNAL_LAST.set(last)
        JOURNAL_SHIPPED.set(shipped)
        JOURNAL_LAG.set(lag)

    def _series(self, key: tuple[str, str, int]) -> Counter:
        route, method, status = key
        counter = REQUESTS.labels(route, method if method in _METHODS else "other", str(status))
        if method in _METHODS:
            self._requests[key] = counter
        self._durations.setdefault(route, DURATION.labels(route))
        return counter
