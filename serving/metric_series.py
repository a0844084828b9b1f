"""The Prometheus series of the service, each with its help text, labels and buckets.

A gauge shows the worker that is asked; a server has one. Labels come from fixed sets.
"""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

_SECONDS = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 5.0)

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
SHED = Counter("scorebox_requests_shed_total", "Requests refused because they waited too long or would be late.")
THIN_FILES = Counter(
    "scorebox_thin_files_total",
    "Decisions made without a history, of those that scorebox_predictions_total counts.",
    ["scorecard", "variant"],
)
HISTORY_FAILURES = Counter(
    "scorebox_history_failures_total", "Requests refused because the history store did not answer."
)
PD_EDGES = (0.01, 0.02, 0.03, 0.05, 0.075, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
"""Closer where most portfolios lie; with both ends they make seventeen bins."""
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
    "scorebox_journal_last_sequence", "Sequence of the newest decision in the journal.", multiprocess_mode="mostrecent"
)
JOURNAL_SHIPPED = Gauge(
    "scorebox_journal_shipped_sequence",
    "Sequence of the newest decision that the shipper has copied.",
    multiprocess_mode="mostrecent",
)
JOURNAL_LAG = Gauge(
    "scorebox_journal_ship_lag_seconds",
    "Age of the oldest record that is not copied, 0 if all are.",
    multiprocess_mode="mostrecent",
)
JOURNAL_SHIP_EXPECTED = Gauge(
    "scorebox_journal_ship_expected",
    "1 if a shipper is to copy the journal: by a setting, or because one was started.",
    multiprocess_mode="mostrecent",
)
LOG_DROPPED = Counter(
    "scorebox_log_lines_dropped_total", "Log lines lost because nobody read the log, or the disk took none."
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
