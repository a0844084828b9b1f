"""Record spans for OpenTelemetry, one per request, only where they are exported.

OTEL_EXPORTER_OTLP_ENDPOINT switches them on; the SDK's other variables (OTEL_TRACES_SAMPLER,
OTEL_SERVICE_NAME and so on) hold too. A span names the route, never the path or anything sent.
"""

from __future__ import annotations

import os
import time

from opentelemetry.sdk.resources import SERVICE_NAME, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import SpanKind, Status, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from serving.exchange import Exchange

ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"
SERVICE = os.environ.get("OTEL_SERVICE_NAME", "scorebox")


class Tracing:
    """Exports one span per request over OTLP and HTTP, in the background."""

    def __init__(self) -> None:
        # Only here: it brings an HTTP client along that a server without tracing need not load.
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

        self._provider = TracerProvider(resource=Resource.create({SERVICE_NAME: SERVICE}))
        self._provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
        self._tracer = self._provider.get_tracer("scorebox")
        self._propagator = TraceContextTextMapPropagator()

    def record(self, exchange: Exchange, status: int, seconds: float) -> None:
        """Record the span of an answered request that took `seconds`, under the caller's span if it named one."""
        parent = None
        if exchange.traceparent is not None:
            parent = self._propagator.extract({"traceparent": exchange.traceparent.decode()})
        end = time.time_ns()
        span = self._tracer.start_span(
            exchange.route,
            context=parent,
            kind=SpanKind.SERVER,
            start_time=end - int(seconds * 1e9),
            attributes={
                "http.route": exchange.route,
                "http.response.status_code": status,
                "scorebox.request_id": exchange.request_id.decode(),
                "scorebox.rows": exchange.rows,
            },
        )
        if status >= 500:
            span.set_status(Status(StatusCode.ERROR))
        span.end(end_time=end)


def tracing() -> Tracing | None:
    """Return the tracing, None if the environment names no address for spans."""
    return Tracing() if os.environ.get(ENDPOINT) else None
