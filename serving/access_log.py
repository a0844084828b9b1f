"""Write log lines as JSON: one per request, and BentoML's own in the same form.

A request's line holds its route, status, time and ids, and nothing from its body.
"""

from __future__ import annotations

import asyncio
import atexit
import logging
import sys
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, BinaryIO

import orjson


class AccessLog:
    """Writes the lines of one turn of the event loop in one go.

    Under load that is one system call for many requests; a lone request's line leaves at once.
    """

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._lines: list[bytes] = []
        atexit.register(self.flush)

    def write(
        self,
        *,
        method: str,
        route: str,
        status: int,
        seconds: float,
        rows: int,
        request_id: str,
        trace_id: str | None,
        decision_id: str | None = None,
    ) -> None:
        """Add the line of one request; it took `seconds`."""
        line = {
            "time": datetime.now(UTC),
            "level": "INFO" if status < 500 else "ERROR",
            "logger": "scorebox.access",
            "method": method,
            "route": route,
            "status": status,
            "duration_ms": round(seconds * 1000, 3),
            "rows": rows,
            "request_id": request_id,
        }
        if trace_id is not None:
            line["trace_id"] = trace_id
        if decision_id is not None:
            line["decision_id"] = decision_id
        self._add(line)

    def write_not_taken(self, request_id: str) -> None:
        """Add the line that says that nobody took the answer to a request, which has a line of its own."""
        line = {
            "time": datetime.now(UTC),
            "level": "WARNING",
            "logger": "scorebox.access",
            "message": "the client did not take the answer",
            "request_id": request_id,
        }
        self._add(line)

    def _add(self, line: dict[str, Any]) -> None:
        if not self._lines:
            asyncio.get_running_loop().call_soon(self.flush)
        self._lines.append(orjson.dumps(line, option=_OPTIONS))

    def flush(self) -> None:
        """Write the lines that were added."""
        lines, self._lines = self._lines, []
        if lines:
            # A reader that has gone away must not take the service with it.
            with suppress(OSError):
                self._stream.write(b"".join(lines))
                self._stream.flush()


_OPTIONS = orjson.OPT_APPEND_NEWLINE | orjson.OPT_UTC_Z


class JsonFormatter(logging.Formatter):
    """A log record as one line of JSON."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line, without its end."""
        line = {
            "time": datetime.fromtimestamp(record.created, UTC),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return orjson.dumps(line, option=orjson.OPT_UTC_Z).decode()


def log_as_json() -> None:
    """Give the handlers of a running BentoML server the JSON form.

    BentoML has no setting for it. Its commands that serve nothing keep their form.
    """
    for name in ("", "bentoml", "uvicorn.error", "circus"):
        named = logging.getLogger(name)
        for handler in named.handlers:
            if handler.get_name() == "tracehandler":
                handler.setFormatter(JsonFormatter())
                # BentoML gives the root the same handler, so a record passed on to it would be written twice.
                named.propagate = False
    # uvicorn composes an access line for every request as soon as any handler could take it.
    logging.getLogger("uvicorn.access").propagate = False


def standard_output() -> AccessLog:
    """Return an access log that writes to standard output."""
    return AccessLog(sys.stdout.buffer)
