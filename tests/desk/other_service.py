"""A service that answers otherwise than ours: of another version, or broken."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Stub:
    """Gives everybody the same answer.

    Attributes:
        asked: how often it was asked.
        keys: the idempotency keys that came.
        url: where it serves.
    """

    def __init__(self, status: int, body: bytes) -> None:
        self.status = status
        self.body = body
        self.asked = 0
        self.keys: set[str] = set()
        self.url = ""


@contextmanager
def running(stub: Stub) -> Iterator[Stub]:
    """Serve it on a free port."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            stub.asked += 1
            stub.keys.add(self.headers["Idempotency-Key"])
            self.send_response(stub.status)
            self.send_header("Content-Length", str(len(stub.body)))
            self.end_headers()
            self.wfile.write(stub.body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        stub.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield stub
        finally:
            server.shutdown()
            thread.join()
