"""The dashboard of the person on call: is the service up, is it fast, does it keep up?"""

from __future__ import annotations

from grafana_foundation_sdk.builders.dashboard import Dashboard

from deploy.monitoring.grafana.panels import (
    HERE,
    NUMBER,
    PER_SECOND,
    SECONDS,
    SHARE,
    Query,
    Section,
    in_frame,
    lines,
    log_lines,
    number,
)

_RATE = "[$__rate_interval]"
_COPIED = "unless on (namespace, service, instance) scorebox_journal_ship_expected == 0"


def dashboard() -> Dashboard:
    """Return the dashboard of rate, errors, latency, batches, queue, saturation and journal of the servers."""
    return in_frame(
        "Scorebox: service",
        "scorebox-service",
        "Rate, errors and latency of the servers, and what they are short of.",
        ["namespace", "service"],
        [_current_state(), _requests(), _batches(), _saturation(), _journal(), _log()],
    )


def _quantiles(metric: str) -> list[Query]:
    return [
        (f"histogram_quantile({share}, sum by (le) (rate({metric}_bucket{{{HERE}}}{_RATE})))", name)
        for share, name in ((0.5, "p50"), (0.95, "p95"), (0.99, "p99"))
    ]


def _latencies(route: str) -> list[Query]:
    metric = "service_route:scorebox_http_request_duration_seconds"
    return [
        (f'{metric}:{quantile}_rate5m{{{HERE}, route="{route}"}}', f"{{{{service}}}} {quantile}")
        for quantile in ("p50", "p95", "p99")
    ]


def _current_state() -> Section:
    errors = "service:scorebox_http_errors_per_request"
    return Section(
        "Now",
        [
            number("Servers up", "Replicas that answer Prometheus.", (f'sum(up{{job="scorebox", {HERE}}})', "")),
            number(
                "Alerts",
                "Alerts of Scorebox that fire; docs/how-to/runbook.md has an entry for each.",
                ('count(ALERTS{alertstate="firing", alertname=~"Scorebox.+"}) or vector(0)', ""),
                limit=1,
            ),
            number(
                "Errors in 5 minutes",
                "Share of the requests for decisions that were answered with 5xx; the fast burn begins at 1.44 %.",
                (f"{errors}:ratio_rate5m{{{HERE}}}", "{{service}}"),
                unit=SHARE,
                limit=0.0144,
            ),
            number(
                "Errors in 3 days",
                "The same; the objective is at most 0.1 % in 30 days.",
                (f"{errors}:ratio_rate3d{{{HERE}}}", "{{service}}"),
                unit=SHARE,
                limit=0.001,
            ),
            number(
                "Refused",
                "Share of the requests that were refused because they had waited too long.",
                (f"service:scorebox_requests_shed_per_request:ratio_rate5m{{{HERE}}}", "{{service}}"),
                unit=SHARE,
                limit=0.01,
            ),
            number(
                "Latency target",
                "For one request of /predict in a hundred, by the scorecard that is served.",
                (f"service:scorebox_latency_target_seconds:p99{{{HERE}}}", "{{service}}"),
                unit=SECONDS,
            ),
        ],
    )


def _requests() -> Section:
    requests = f"scorebox_http_requests_total{{{HERE}}}"
    target = f"service:scorebox_latency_target_seconds:p99{{{HERE}}}"
    return Section(
        "Requests",
        [
            lines(
                "Rate by route",
                "Answered requests per second. Unknown paths are one route.",
                (f"sum by (route) (rate({requests}{_RATE}))", "{{route}}"),
                unit=PER_SECOND,
            ),
            lines(
                "Rate by status",
                "499: the client had gone. 503: refused, with a reason in the body.",
                (f"sum by (status) (rate({requests}{_RATE}))", "{{status}}"),
                unit=PER_SECOND,
            ),
            lines(
                "Errors",
                "Share of the requests for decisions that were answered with 5xx, over 5 minutes and an hour.",
                (f"service:scorebox_http_errors_per_request:ratio_rate5m{{{HERE}}}", "{{service}} 5 minutes"),
                (f"service:scorebox_http_errors_per_request:ratio_rate1h{{{HERE}}}", "{{service}} an hour"),
                unit=SHARE,
                limit=0.0144,
            ),
            lines(
                "Latency of /predict",
                "From the request's head to its answer, beside the target of the p99.",
                *_latencies("/predict"),
                (target, "{{service}} target"),
                unit=SECONDS,
            ),
            lines(
                "Latency of /predict_batch",
                "The same; it grows with the rows of a request.",
                *_latencies("/predict_batch"),
                unit=SECONDS,
            ),
            lines(
                "Broken rules",
                "Rules that applications broke, per second: a caller's form has changed, or somebody tries things out.",
                (f"sum by (rule) (rate(scorebox_broken_rules_total{{{HERE}}}{_RATE}))", "{{rule}}"),
                unit=PER_SECOND,
            ),
        ],
    )


def _batches() -> Section:
    return Section(
        "Batches and queue",
        [
            lines(
                "Rows per batch",
                "Rows scored by one session call. Under load batches grow by themselves.",
                *_quantiles("scorebox_batch_rows"),
            ),
            lines(
                "Batches",
                "Session calls per second.",
                (f"sum by (instance) (rate(scorebox_batch_rows_count{{{HERE}}}{_RATE}))", "{{instance}}"),
                unit=PER_SECOND,
            ),
            lines(
                "Wait for a batch",
                "How long the oldest rows of a batch waited for it.",
                *_quantiles("scorebox_queue_wait_seconds"),
                unit=SECONDS,
            ),
            lines(
                "Age of the queue",
                "How long the oldest rows in the queue had waited when Prometheus looked.",
                (f"scorebox_queue_oldest_age_seconds{{{HERE}}}", "{{instance}}"),
                unit=SECONDS,
                limit=0.1,
            ),
            lines(
                "Requests in work",
                "The one of Prometheus included.",
                (f"scorebox_http_requests_in_progress{{{HERE}}}", "{{instance}}"),
            ),
            lines(
                "Refused",
                "Requests per second that had waited too long, or had no answer from the history store.",
                (f"sum by (instance) (rate(scorebox_requests_shed_total{{{HERE}}}{_RATE}))", "{{instance}} waited"),
                (f"sum by (instance) (rate(scorebox_history_failures_total{{{HERE}}}{_RATE}))", "{{instance}} history"),
                unit=PER_SECOND,
            ),
        ],
    )


def _saturation() -> Section:
    return Section(
        "Saturation",
        [
            lines(
                "Event loop lag, p90",
                "How late the event loop gets to what is due, one time in ten.",
                (f"instance:scorebox_event_loop_lag_seconds:p90_rate5m{{{HERE}}}", "{{instance}}"),
                unit=SECONDS,
                limit=0.02,
            ),
            lines(
                "Processor",
                "Cores in use. The event loop can use one; scoring and commits run beside it.",
                (f'rate(process_cpu_seconds_total{{job="scorebox", {HERE}}}{_RATE})', "{{instance}}"),
            ),
            lines(
                "Memory",
                "Resident memory of the process that answers.",
                (f'process_resident_memory_bytes{{job="scorebox", {HERE}}}', "{{instance}}"),
                unit="bytes",
            ),
        ],
    )


def _journal() -> Section:
    return Section(
        "Journal",
        [
            lines(
                "Commit",
                "How long putting a batch of decisions into the journal took; its answers wait for that.",
                *_quantiles("scorebox_journal_commit_seconds"),
                unit=SECONDS,
            ),
            lines(
                "Not copied to PostgreSQL",
                "Age of the oldest decision that is not copied; no line where no copy is expected.",
                (f"scorebox_journal_ship_lag_seconds{{{HERE}}} {_COPIED}", "{{instance}}"),
                unit=SECONDS,
                limit=300,
            ),
            lines(
                "Decisions not copied, requests not kept",
                "Requests are refused while the journal takes no records.",
                (
                    f"scorebox_journal_last_sequence{{{HERE}}} - scorebox_journal_shipped_sequence{{{HERE}}} {_COPIED}",
                    "{{instance}} not copied",
                ),
                (
                    f"sum by (instance) (increase(scorebox_journal_failures_total{{{HERE}}}{_RATE}))",
                    "{{instance}} not kept",
                ),
                unit=NUMBER,
            ),
        ],
    )


def _log() -> Section:
    return Section(
        "Log",
        [
            log_lines(
                "Errors", "Lines of level ERROR; 5xx answers are among them.", '{service=~"$service", level="ERROR"}'
            )
        ],
    )
