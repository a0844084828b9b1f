"""Who logs never waits for who reads, and what is lost is counted."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from errno import ENOSPC
from functools import partial
from pathlib import Path
from typing import IO

from serving.log_writer import MOST_LINES, LogWriter
from tests.waiting import LONGEST_WAIT, until


@contextmanager
def pipe() -> Iterator[tuple[IO[bytes], int]]:
    """The end of a pipe that is read, and the number of the other."""
    reading, writing = os.pipe()
    with os.fdopen(reading, "rb", buffering=0) as reader, os.fdopen(writing, "wb", buffering=0) as writer:
        yield reader, writer.fileno()


def test_lines_come_out_in_order(tmp_path: Path) -> None:
    lines = [b"%d\n" % number for number in range(3_000)]
    with (tmp_path / "log").open("wb") as log:
        dropped: list[int] = []
        writer = LogWriter(partial(os.write, log.fileno()), dropped.append)
        for line in lines:
            writer.put(line)
        assert writer.flush(LONGEST_WAIT)
        writer.close()
    assert (tmp_path / "log").read_bytes() == b"".join(lines)
    assert dropped == []


def test_a_pipe_that_nobody_reads_stops_nobody_and_what_is_too_much_is_counted() -> None:
    line = b"x" * 999 + b"\n"
    with pipe() as (reader, number):
        dropped: list[int] = []
        writer = LogWriter(partial(os.write, number), dropped.append)
        put = 3 * MOST_LINES
        for _ in range(put):
            writer.put(line)
        lost = sum(dropped)
        assert lost >= MOST_LINES / 2
        assert not writer.flush(0)
        read = 0
        while read < (put - lost) * len(line):
            read += len(reader.read(1 << 20))
        assert writer.flush(LONGEST_WAIT)
        assert sum(dropped) == lost
        writer.put(b"the next\n")
        assert reader.read(100) == b"the next\n"
        writer.close()


def test_lines_that_a_full_disk_does_not_take_are_counted() -> None:
    with Path("/dev/full").open("wb", buffering=0) as full:
        dropped: list[int] = []
        writer = LogWriter(partial(os.write, full.fileno()), dropped.append)
        for _ in range(100):
            writer.put(b"line\n")
        until(lambda: sum(dropped) == 100)
        writer.close()


def test_a_line_that_was_cut_spoils_no_other() -> None:
    written = bytearray()
    room = 12

    def write(text: bytes) -> int:
        nonlocal room
        if not room:
            raise OSError(ENOSPC, "no space left on the device")
        taken = text[:room]
        room -= len(taken)
        written.extend(taken)
        return len(taken)

    dropped: list[int] = []
    writer = LogWriter(write, dropped.append)
    for text in (b"first\nsecond\nthird\n", b"fourth\n"):
        writer.put(text)
        assert writer.flush(LONGEST_WAIT)
    room = 100
    writer.put(b"last\n")
    assert writer.flush(LONGEST_WAIT)
    assert written == b"first\nsecond\nlast\n"
    assert sum(dropped) == 3
    writer.close()
