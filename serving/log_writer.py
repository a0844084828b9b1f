"""Write log lines from a thread of their own: nobody who logs waits for who reads.

A pipe that nobody empties, a terminal that is held and a disk that hangs block a write for as long as they like. On the
event loop that would stop every answer.
"""

from __future__ import annotations

import atexit
import threading
import time
from collections.abc import Callable
from queue import Empty, SimpleQueue

MOST_LINES = 10_000
"""Lines that wait to be written. What comes on top is dropped: about ten seconds of a busy server, and a few MB."""
_PAUSE = 0.01
"""Seconds between two writes under load. Lines gather meanwhile, so that one write takes many."""
_LAST_SECONDS = 1.0
"""Seconds that the end of the process waits for its last lines."""


class LogWriter:
    """Writes whole lines, in the order in which they come.

    Args:
        write: writes bytes to a file descriptor and returns how many; may block.
        count_dropped: told how many lines are lost.
    """

    def __init__(self, write: Callable[[bytes], int], count_dropped: Callable[[int], None]) -> None:
        self._write = write
        self._count_dropped = count_dropped
        self._lines: SimpleQueue[bytes | threading.Event | None] = SimpleQueue()
        self._thread: threading.Thread | None = None
        self._starting = threading.Lock()
        self._is_torn = False
        """Whether the last write ended within a line."""

    def put(self, line: bytes) -> None:
        """Leave a line, with its end, to be written; drop and count it where too many wait."""
        if self._thread is None:
            self._start()
        if self._lines.qsize() < MOST_LINES:
            self._lines.put(line)
        else:
            self._count_dropped(1)

    def flush(self, seconds: float = _LAST_SECONDS) -> bool:
        """Wait until the lines so far are written, for at most so long; return whether they are."""
        if self._thread is None:
            return True
        written = threading.Event()
        self._lines.put(written)
        return written.wait(seconds)

    def close(self) -> None:
        """Write the last lines, as far as that is quick, and end the thread."""
        atexit.unregister(self.close)
        if self.flush():
            self._lines.put(None)

    def _start(self) -> None:
        with self._starting:
            if self._thread is None:
                # A daemon: a pipe that nobody reads does not hold up the end of the process.
                self._thread = threading.Thread(target=self._run, name="log", daemon=True)
                self._thread.start()
                atexit.register(self.close)

    def _run(self) -> None:
        last = 0.0
        while True:
            lines: list[bytes] = []
            written: list[threading.Event] = []
            item = self._lines.get()
            try:
                while item is not None:
                    if isinstance(item, bytes):
                        lines.append(item)
                    else:
                        written.append(item)
                    item = self._lines.get_nowait()
            except Empty:
                pass
            if lines:
                self._write_out(b"".join(lines))
            for event in written:
                event.set()
            if item is None:
                return
            now = time.monotonic()
            if now - last < 2 * _PAUSE:
                time.sleep(_PAUSE)
            last = now

    def _write_out(self, text: bytes) -> None:
        """Write whole lines; those that cannot be written are counted."""
        rest = b"\n" + text if self._is_torn else text
        try:
            while rest:
                count = self._write(rest)
                self._is_torn = rest[count - 1 : count] != b"\n"
                rest = rest[count:]
        except OSError:
            self._count_dropped(min(rest.count(b"\n"), text.count(b"\n")))
