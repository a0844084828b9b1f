"""What a server does before it is ready, and never while a caller waits."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa

from serving.arrow import ARROW_STREAM
from tests.e2e.server import Server
from tests.serving.toy import SCORECARD


def arrow_body(rows: int) -> bytes:
    table = pa.table({name: [value] * rows for name, value in SCORECARD.example.items()})
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    body: bytes = sink.getvalue().to_pybytes()
    return body


def test_a_server_answers_arrow_without_importing_pandas(server: Server) -> None:
    """pyarrow would, at its first conversion: it takes seconds, on the event loop."""
    stream = ARROW_STREAM.decode()
    for accept in (stream, "application/json"):
        response = server.post("/predict_batch", arrow_body(50), **{"content-type": stream, "accept": accept})
        assert response.status_code == 200
    assert "/pandas/" not in Path(f"/proc/{server.worker()}/maps").read_text()
