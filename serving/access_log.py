"""Write log lines as JSON: one per request, and BentoML's own in the same form.

A request's line holds its route, status, time and ids, and nothing from its body.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from typing import Any

import orjson

from serving.log_writer import LogWriter


class AccessLog:
    """Makes the lines about requests.

    Args:
        writer: writes them.
    """

    def __init__(self, writer: LogWriter) -> None:
        self._writer = writer

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
        self._writer.put(orjson.dumps(line, option=_OPTIONS))


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


class _LogStream:
    """Where BentoML's handlers write: to the same writer as the access log."""

    def __init__(self, writer: LogWriter) -> None:
        self._writer = writer

    def write(self, line: str) -> None:
        """Leave a line to be written."""
        self._writer.put(line.encode(errors="backslashreplace"))


def log_as_json(writer: LogWriter) -> None:
    """Give the handlers of a running BentoML server the JSON form, and a stream that nobody waits for.

    BentoML has no setting for it. Its commands that serve nothing keep their form.
    """
    for name in ("", "bentoml", "uvicorn.error", "circus"):
        named = logging.getLogger(name)
        for handler in named.handlers:
            if handler.get_name() == "tracehandler":
                assert isinstance(handler, logging.StreamHandler)
                handler.setFormatter(JsonFormatter())
                handler.setStream(_LogStream(writer))
                # BentoML gives the root the same handler, so a record passed on to it would be written twice.
                named.propagate = False
    # uvicorn composes an access line for every request as soon as any handler could take it.
    logging.getLogger("uvicorn.access").propagate = False


def standard_output(count_dropped: Callable[[int], None]) -> LogWriter:
    """Return a writer to standard output; `count_dropped` is told how many lines are lost."""
    return LogWriter(partial(os.write, 1), count_dropped)
