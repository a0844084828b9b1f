"""The seam to uvicorn: however the server is started, it speaks this project's protocol.

BentoML makes uvicorn's configuration itself and leaves the protocol to uvicorn's choice, "auto". Uvicorn looks that
name up in a table when it begins to serve.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import uvicorn
from uvicorn.config import HTTP_PROTOCOLS
from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from serving.wire.limits import WireLimits
from serving.wire.protocol import WireProtocol
from serving.wire.records import WireRecords

CHOICES = ("auto", "httptools")
"""The names in uvicorn's table that stand for the protocol of this project."""
NEEDED: Mapping[type, tuple[str, ...]] = {
    HttpToolsProtocol: (
        "_start_asgi_task", "_unset_keepalive_if_required", "cycle", "flow", "headers", "loop", "on_body",
        "on_headers_complete", "on_message_begin", "on_message_complete", "on_response_complete", "parser", "pipeline",
        "scheme", "scope", "server_state", "shutdown", "timeout_keep_alive", "timeout_keep_alive_handler",
        "ws_protocol_class",
    ),
    RequestResponseCycle: (
        "disconnected", "keep_alive", "message_event", "more_body", "response_complete", "response_started", "scope",
    ),
    FlowControl: ("resume_reading", "write_paused"),
}  # fmt: skip
"""Names in uvicorn's classes that the protocol uses and that uvicorn does not promise to keep."""


class UvicornError(RuntimeError):
    """Uvicorn is not the one that the protocol rests on."""


def install(limits: WireLimits, records: WireRecords) -> None:
    """Let every uvicorn server of this process speak the protocol.

    Raises:
        UvicornError: uvicorn has no place for it, or lacks what it rests on.
    """
    missing = [f"the protocol {name}" for name in CHOICES if name not in HTTP_PROTOCOLS]
    for owner, names in NEEDED.items():
        missing += [f"{owner.__name__}.{name}" for name in names if name not in _names(owner)]
    if missing:
        raise UvicornError(f"uvicorn {uvicorn.__version__} lacks {', '.join(missing)}; install the pinned version")
    protocol = protocol_class(limits, records)
    table: dict[str, Any] = HTTP_PROTOCOLS
    for choice in CHOICES:
        table[choice] = protocol


def protocol_class(limits: WireLimits, records: WireRecords) -> type[WireProtocol]:
    """Return the protocol with its limits."""
    return type(WireProtocol.__name__, (WireProtocol,), {"limits": limits, "records": records})


def _names(owner: type) -> set[str]:
    """Return the names of a class and of what its constructor uses, which includes what it sets."""
    return {*dir(owner), *owner.__init__.__code__.co_names}  # type: ignore[misc]  # of each of these three
