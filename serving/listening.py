"""Listening sockets, which the processes of a server share: whether they listen, who waits there, and their end."""

from __future__ import annotations

import ctypes
import select
import socket
import struct
from collections.abc import Iterable
from contextlib import suppress

_ATTACH_FILTER, _DETACH_FILTER = 26, 27
"""SO_ATTACH_FILTER and SO_DETACH_FILTER of Linux, which Python does not name."""
_DROP = struct.pack("HBBI", 0x06, 0, 0, 0)
"""A socket filter of one instruction, which lets no packet through: BPF's `ret 0`."""


class ListeningSockets:
    """The sockets that a server listens on, under descriptors of their own: they stay when the server closes its own.

    Args:
        descriptors: of the server's sockets.
    """

    def __init__(self, descriptors: Iterable[int]) -> None:
        self._sockets = [socket.socket(fileno=socket.dup(number)) for number in descriptors]

    @property
    def listen(self) -> bool:
        """Whether one of them still listens; another process that has them may have shut them."""
        return bool(self._listening())

    @property
    def somebody_waits(self) -> bool:
        """Whether connections wait to be accepted."""
        # Not `select`, which takes no descriptor above 1,023. A socket that was shut is always ready, for nobody.
        waiting = select.poll()
        for item in self._listening():
            waiting.register(item, select.POLLIN)
        return bool(waiting.poll(0))

    def take_no_more(self) -> None:
        """Let those that wait be accepted, and no more come: a client that begins now tries again a second later.

        Where the system has no such filter, more may come.
        """
        program = ctypes.create_string_buffer(_DROP)
        for item in self._sockets:
            with suppress(OSError):
                item.setsockopt(socket.SOL_SOCKET, _ATTACH_FILTER, struct.pack("HL", 1, ctypes.addressof(program)))

    def take_again(self) -> None:
        """Undo `take_no_more`, also that of a process that was killed before it could."""
        for item in self._sockets:
            with suppress(OSError):
                item.setsockopt(socket.SOL_SOCKET, _DETACH_FILTER, 0)

    def shut(self) -> None:
        """End listening for all processes that share the sockets; one that starts anew may listen again."""
        for item in self._sockets:
            with suppress(OSError):
                item.shutdown(socket.SHUT_RDWR)
        self.take_again()

    def close(self) -> None:
        """Close the descriptors."""
        for item in self._sockets:
            item.close()

    def _listening(self) -> list[socket.socket]:
        return [item for item in self._sockets if item.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)]
