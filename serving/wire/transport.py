"""The transport of one connection as its protocol sees it: it counts, and leaves the end to the protocol."""

from __future__ import annotations

import asyncio
import fcntl
import sys
import termios
from collections.abc import Callable
from typing import Any


class CountingTransport(asyncio.Transport):
    """Passes on to a transport; `close` asks the protocol how to end the connection.

    Uvicorn closes in many places. Here they meet, so that no end goes without its limits.

    Args:
        transport: the event loop's.
        end: ends the connection; called once.
    """

    def __init__(self, transport: asyncio.Transport, end: Callable[[], None]) -> None:
        super().__init__()
        self.inner = transport
        self.written = 0
        """Bytes that were written since the connection began."""
        self._end = end
        self._closing = False

    @property
    def taken(self) -> int:
        """Bytes of those written that the operating system has taken."""
        return self.written - self.inner.get_write_buffer_size()

    @property
    def arrived(self) -> int:
        """Bytes of those written that have arrived at the client's machine."""
        try:
            waiting = fcntl.ioctl(self.inner.get_extra_info("socket").fileno(), termios.TIOCOUTQ, bytes(4))
        except (OSError, ValueError):
            # The socket is closed already.
            return self.taken
        return self.taken - int.from_bytes(waiting, sys.byteorder)

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Write bytes."""
        self.written += len(data)
        self.inner.write(data)

    def close(self) -> None:
        """End the connection as the protocol says."""
        if not self.is_closing():
            self._closing = True
            self._end()

    def is_closing(self) -> bool:
        """Return whether the connection ends."""
        return self._closing or self.inner.is_closing()

    def pause_reading(self) -> None:
        """Read nothing more for now."""
        self.inner.pause_reading()

    def resume_reading(self) -> None:
        """Read on."""
        self.inner.resume_reading()

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """Return a fact about the connection."""
        return self.inner.get_extra_info(name, default)
