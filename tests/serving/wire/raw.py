"""A client that sends what it is told to, byte by byte."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from tests.waiting import LONGEST_WAIT


@dataclass
class Answer:
    """One answer."""

    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def closes(self) -> bool:
        return self.headers.get("connection") == "close"


class Raw:
    """A connection."""

    def __init__(self, connection: socket.socket) -> None:
        self.socket = connection
        self._read = b""

    def send(self, *pieces: bytes) -> None:
        """Send the pieces as one."""
        self.socket.sendall(b"".join(pieces))

    def end(self) -> None:
        """Say that nothing more will come, and go on reading."""
        self.socket.shutdown(socket.SHUT_WR)

    def answer(self) -> Answer:
        """Return the next answer."""
        head = self._until(b"\r\n\r\n")
        line, *lines = head.decode().split("\r\n")
        headers = dict(item.lower().split(": ", 1) for item in lines)
        length = int(headers.get("content-length", 0))
        while len(self._read) < length:
            self._receive()
        body, self._read = self._read[:length], self._read[length:]
        return Answer(int(line.split()[1]), headers, body)

    def rest(self) -> bytes:
        """Return all that comes until the server closes the connection."""
        while piece := self.socket.recv(1 << 16):
            self._read += piece
        return self._read

    def is_closed(self) -> bool:
        """Wait for the server to close the connection; return whether it sent nothing before."""
        return self.rest_before_reset() == b""

    def rest_before_reset(self) -> bytes:
        """Return all that comes, also where the server has cut the connection."""
        try:
            return self.rest()
        except ConnectionResetError:
            return self._read

    def _until(self, end: bytes) -> bytes:
        while end not in self._read:
            self._receive()
        found, self._read = self._read.split(end, 1)
        return found

    def _receive(self) -> None:
        piece = self.socket.recv(1 << 16)
        assert piece, f"the server closed the connection after {self._read!r}"
        self._read += piece


@contextmanager
def connected(port: int) -> Iterator[Raw]:
    """A connection to a server of this machine."""
    with socket.create_connection(("127.0.0.1", port), timeout=LONGEST_WAIT) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        yield Raw(connection)


def head(line: str, *headers: str, host: str | None = "Host: x") -> bytes:
    """A head of HTTP/1.1 with these headers."""
    lines = [f"{line} HTTP/1.1", *([] if host is None else [host]), *headers]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def post(path: str, body: bytes, *headers: str) -> bytes:
    """A request with a body of JSON."""
    return head(f"POST {path}", "Content-Type: application/json", f"Content-Length: {len(body)}", *headers) + body


def chunked(path: str, *pieces: bytes, headers: tuple[str, ...] = ()) -> bytes:
    """The same in chunks."""
    began = head(f"POST {path}", "Content-Type: application/json", "Transfer-Encoding: chunked", *headers)
    return began + b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in (*pieces, b""))
