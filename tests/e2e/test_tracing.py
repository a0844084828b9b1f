"""Spans go to a real collector's port, and only if one is named."""

from __future__ import annotations

import gzip
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.e2e.server import serve

TRACE_ID = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT_ID = "00f067aa0ba902b7"


class Collector(ThreadingHTTPServer):
    """Takes spans over OTLP and HTTP."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.bodies: list[bytes] = []

    def spans(self) -> list[Any]:
        return [
            span
            for body in self.bodies
            for resource in ExportTraceServiceRequest.FromString(body).resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]


class _Handler(BaseHTTPRequestHandler):
    server: Collector

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        self.server.bodies.append(gzip.decompress(body) if self.headers["content-encoding"] == "gzip" else body)
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Nothing: the test reads the spans."""


@pytest.fixture
def collector() -> Iterator[Collector]:
    with Collector() as running:
        thread = threading.Thread(target=running.serve_forever)
        thread.start()
        yield running
        running.shutdown()
        thread.join()


@pytest.mark.slow
def test_a_request_is_a_span_under_its_caller_s_and_holds_nothing_that_was_sent(
    home: Path, example: dict[str, Any], collector: Collector
) -> None:
    endpoint = f"http://127.0.0.1:{collector.server_port}"
    with serve(home, OTEL_EXPORTER_OTLP_ENDPOINT=endpoint) as server:
        server.post("/predict", example, traceparent=f"00-{TRACE_ID}-{PARENT_ID}-01")
        server.post("/predict", example | {"LIMIT_BAL": "secret-987123"}, **{"x-request-id": "bad-one"})
        server.get("/secret-987123")
    spans = {span.name: span for span in collector.spans() if span.name != "/readyz"}
    assert set(spans) == {"/predict", "unknown"}
    traced = [span for span in collector.spans() if span.trace_id.hex() == TRACE_ID]
    assert [span.parent_span_id.hex() for span in traced] == [PARENT_ID]
    attributes = {item.key: item.value for item in traced[0].attributes}
    assert attributes["http.response.status_code"].int_value == 200
    assert attributes["scorebox.rows"].int_value == 1
    assert b"987123" not in b"".join(collector.bodies)
    assert b"bad-one" in b"".join(collector.bodies)
