"""How the server speaks HTTP/1.1: uvicorn's protocol, stricter with heads and with time.

Uvicorn parses, starts the application and writes its answers. This class adds limits, refuses what is no request with
problem details, and ends connections so that an answer arrives before the end.
"""

from __future__ import annotations

import asyncio
from asyncio.events import TimerHandle
from collections import deque
from http import HTTPStatus
from time import perf_counter
from typing import Any, ClassVar

import httptools
from uvicorn._types import ASGI3Application
from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import ServerState

from serving.exchange import CLIENT_GONE, REQUEST_ID, STATUS
from serving.problems import ProblemError
from serving.wire.head_rules import check_head, check_head_size, has_one_host, head_too_large, without_upgrade
from serving.wire.limits import DISCARDED_BYTES, HEAD_BYTES, WireLimits
from serving.wire.records import WireRecords
from serving.wire.refusal import Refusal
from serving.wire.transport import CountingTransport


class WireProtocol(HttpToolsProtocol):
    """One connection.

    Args:
        config: uvicorn's.
        server_state: uvicorn's.
        app_state: uvicorn's.
        _loop: the event loop, the running one by default.
    """

    limits: ClassVar[WireLimits]
    """How long a client may take."""
    records: ClassVar[WireRecords]
    """Told of refusals, and of answers that were not taken."""
    transport: CountingTransport

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self.ws_protocol_class = None
        self.timeout_keep_alive = self.limits.keep_alive  # type: ignore[assignment]  # uvicorn only passes it to call_later
        self._patience = self.limits.client
        self._active: RequestResponseCycle | None = None
        """The request that is being answered; `cycle` is the newest one."""
        self._in_head = False
        """Whether a head has begun and is not complete."""
        self._head_timer: TimerHandle | None = None
        self._began = 0.0
        """When the first byte of the head arrived."""
        self._arrived = 0
        """Bytes of the piece that is being parsed."""
        self._barren = 0
        """Bytes of the pieces that brought neither a first byte of a head, nor its last, nor any of a body."""
        self._ignores_upgrade = False
        """Whether the parser has stopped after a head with `Upgrade`."""
        self._keeps_alive = False
        """Whether the connection stays open once the body is whole and answered."""
        self._is_over = False
        """Whether whatever else arrives is thrown away."""
        self._discarded = 0
        self._has_ended = False
        """Whether the client has sent its last byte."""
        self._refusal: Refusal | None = None
        """Answers the rest of what the client sent, once the requests before it are answered."""
        self._exits = False
        self._client_timer: TimerHandle | None = None
        self._arrived_before = 0
        """Bytes that had arrived at the client when its timer was set."""
        self._answers: deque[tuple[int, str | None]] = deque()
        """Answers that may not have left: after which byte each ends, and its request's id."""

    # The connection

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # uvicorn's own type
        """Wait for a request."""
        super().connection_made(CountingTransport(transport, self._end))
        self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell the application which of its answers nobody waits for any more."""
        self._cancel_head_timer()
        # Else the timer would keep all that belongs to the connection in memory.
        self._unset_keepalive_if_required()
        if self._client_timer is not None:
            self._client_timer.cancel()
        for cycle in self._unanswered():
            cycle.scope["state"].setdefault(STATUS, CLIENT_GONE)
            cycle.disconnected = True
            cycle.message_event.set()
        super().connection_lost(exc)

    def eof_received(self) -> bool:  # type: ignore[override]  # the event loop asks whether to keep the connection open
        """Answer the requests that were sent in whole, then close."""
        self._has_ended = True
        if self.scheme == "https":
            return False
        if self.transport.is_closing():
            self.transport.inner.close()
            return True
        unanswered = self._unanswered()
        if unanswered and unanswered[-1].more_body:
            # Cut short: nobody decides on it.
            unanswered.pop()
            if unanswered:
                self.pipeline.popleft()
        if unanswered:
            self._is_over = True
            unanswered[-1].keep_alive = False
        else:
            self.transport.close()
        return True

    def shutdown(self) -> None:
        """End, after the answers to come, because the server ends."""
        self._exits = True
        self._keeps_alive = False
        super().shutdown()

    # Reading

    def data_received(self, data: bytes) -> None:
        """Parse what has arrived, or throw it away."""
        self._arrived = len(data)
        if self._is_over:
            self._discard()
            return
        self._unset_keepalive_if_required()
        self._barren += self._arrived
        try:
            self.parser.feed_data(data)
        except (httptools.HttpParserUpgrade, httptools.HttpParserError) as stop:
            self._go_on_after(stop, memoryview(data))
        if self._barren > HEAD_BYTES or self.cycle is None or self.cycle.response_complete:
            self._check_rest()

    def _go_on_after(self, stop: Exception, rest: memoryview) -> None:
        """Parse on after an offer of another protocol, for which the parser takes what follows; refuse all else."""
        while isinstance(stop, httptools.HttpParserUpgrade):
            rest = rest[stop.args[0] :]
            head = without_upgrade(self.parser.get_method(), self.url, self.parser.get_http_version(), self.headers)
            self._ignores_upgrade = False
            self.parser = httptools.HttpRequestParser(self)
            self.parser.set_dangerous_leniencies(lenient_data_after_close=True)
            try:
                self.parser.feed_data(head)
                self.parser.feed_data(rest)
            except (httptools.HttpParserUpgrade, httptools.HttpParserError) as again:
                stop = again
            else:
                return
        refusal = stop.__context__
        if not isinstance(refusal, ProblemError):
            refusal = ProblemError(HTTPStatus.BAD_REQUEST, "this is no request of HTTP/1.1")
        self._refuse(refusal)

    def _check_rest(self) -> None:
        """Check what there is of a head, or between two pieces of a body."""
        if self._is_over:
            return
        if self._barren > HEAD_BYTES:
            endless = ProblemError(HTTPStatus.BAD_REQUEST, "a chunk extension or trailer of the body is too large")
            self._refuse(head_too_large() if self._in_head else endless)
        else:
            self._await_head()

    def _discard(self) -> None:
        self._discarded += self._arrived
        if self._discarded > DISCARDED_BYTES:
            self._abort()

    # The parser's callbacks

    def on_message_begin(self) -> None:
        """Begin a head."""
        super().on_message_begin()
        self._in_head = True
        self._barren = 0
        self._began = perf_counter()

    def on_headers_complete(self) -> None:
        """Refuse the head, or start the application."""
        if self._barren or self._arrived > HEAD_BYTES:
            # Only those need it that came in several pieces, or in a large one.
            check_head_size(self.url, self.headers)
        if self.parser.should_upgrade():
            self._check_head()
            self._ignores_upgrade = True
            return
        if not has_one_host(self.headers):
            self._check_head()
        super().on_headers_complete()
        self._in_head = False
        self._barren = 0
        self._cancel_head_timer()
        # Uvicorn adds trailers to the list, which is the application's by now.
        self.headers = []
        # An answer before the body is whole ends the connection: who answers it cannot know where the body ends.
        self._keeps_alive = self.cycle.keep_alive and not self._exits
        self.cycle.keep_alive = False

    def _check_head(self) -> None:
        method = self.parser.get_method()
        self.scope["method"] = method.decode()
        check_head(method, self.parser.get_http_version(), self.headers)

    def on_body(self, body: bytes) -> None:
        """Give a piece of the body to the application."""
        self._barren = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        """Tell the application that the body is whole."""
        if self._ignores_upgrade:
            return
        super().on_message_complete()
        if not self.cycle.response_started:
            self.cycle.keep_alive = self._keeps_alive

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: ASGI3Application) -> None:
        self._active = cycle
        super()._start_asgi_task(cycle, app)

    def on_response_complete(self) -> None:
        """Go on with the next request."""
        assert self._active is not None
        self._note_answer(self._active.scope["state"].get(REQUEST_ID))
        super().on_response_complete()
        if (self._refusal is not None or self._in_head) and not self._unanswered():
            self._go_on_with_rest()

    def _go_on_with_rest(self) -> None:
        """Refuse or await the rest of what the client sends, since all before it is answered."""
        if self.transport.is_closing():
            return
        if self._refusal is not None:
            self._send_refusal(self._refusal)
        else:
            self._unset_keepalive_if_required()
            self._await_head()

    # The requests

    @property
    def _is_idle(self) -> bool:
        return self.cycle is None or self.cycle.response_complete

    def _unanswered(self) -> list[RequestResponseCycle]:
        """Return the requests that wait for their answers, the oldest first."""
        active = [] if self._active is None or self._active.response_complete else [self._active]
        return active + [cycle for cycle, _ in reversed(self.pipeline)]

    # The time for a head

    def _await_head(self) -> None:
        if self._head_timer is None:
            self._head_timer = self.loop.call_later(self._patience, self._miss_head)

    def _cancel_head_timer(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _miss_head(self) -> None:
        self._head_timer = None
        if self.transport.is_closing():
            return
        if self._in_head:
            detail = f"the request's head did not arrive within {self._patience:g} s"
            self._refuse(ProblemError(HTTPStatus.REQUEST_TIMEOUT, detail))
        else:
            self.transport.close()

    # Refusals

    def _refuse(self, problem: ProblemError) -> None:
        """Answer what the client is sending with a problem, after the requests before it; parse nothing more."""
        self._is_over = True
        self._cancel_head_timer()
        broken = None if self._in_head or self._is_idle or not self.cycle.more_body else self.cycle
        if broken is not None and broken is self._active:
            self._break_off(broken, problem)
            return
        if broken is not None:
            self.pipeline.popleft()
        known = broken.scope if broken is not None else self.scope if self._in_head else None
        self._refusal = Refusal.of(problem, known, perf_counter() - self._began)
        if not self._unanswered():
            self._send_refusal(self._refusal)

    def _break_off(self, cycle: RequestResponseCycle, problem: ProblemError) -> None:
        """Refuse a request that the application has begun with; the application hears of the end, and records it."""
        cycle.scope["state"].setdefault(STATUS, problem.status)
        cycle.disconnected = True
        cycle.message_event.set()
        if cycle.response_started:
            self.transport.close()
        else:
            self._send(Refusal.of(problem, cycle.scope, 0.0))

    def _send_refusal(self, refusal: Refusal) -> None:
        self.records.record_refusal(refusal)
        self._send(refusal)

    def _send(self, refusal: Refusal) -> None:
        """Write a refusal and close."""
        self._refusal = refusal
        self.transport.write(refusal.answer(self.server_state.default_headers))
        self._note_answer(refusal.request_id)
        self.transport.close()

    # The end

    def _end(self) -> None:
        """Close, or first let the client end what it is sending: it would lose the answer with the connection."""
        self._is_over = True
        self._cancel_head_timer()
        is_sending = self._refusal is not None or (self.cycle is not None and self.cycle.more_body)
        if is_sending and not self._has_ended:
            self.flow.resume_reading()
            if self.transport.inner.can_write_eof():
                self.transport.inner.write_eof()
        else:
            self.transport.inner.close()
        self._await_client()

    def pause_writing(self) -> None:
        """Wait until the client takes some of what was written."""
        super().pause_writing()
        self._await_client()

    def _await_client(self) -> None:
        if self._client_timer is None:
            self._arrived_before = self.transport.arrived
            self._client_timer = self.loop.call_later(self._patience, self._check_client)

    def _check_client(self) -> None:
        """Wait on if the client has taken some of what was written, else end."""
        self._client_timer = None
        if not self.transport.is_closing() and not self.flow.write_paused:
            return
        takes_some = self._arrived_before < self.transport.arrived < self.transport.written
        if takes_some and not self._exits:
            self._await_client()
        else:
            self._abort()

    def _note_answer(self, name: str | None) -> None:
        """Remember where an answer ends, and forget those that have left."""
        taken = self.transport.taken
        while self._answers and self._answers[0][0] <= taken:
            self._answers.popleft()
        self._answers.append((self.transport.written, name))

    def _abort(self) -> None:
        """Close without sending what is left."""
        arrived = self.transport.arrived
        for end, name in self._answers:
            if end > arrived and name is not None:
                self.records.record_not_taken(name)
        self._answers.clear()
        self.transport.inner.abort()
