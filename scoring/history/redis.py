"""Read the history from Redis, for services on many machines.

A pointer names the version that counts; its record and rows carry the version in their names. Every read
asks for the pointer together with the rows, in one command, so that a version which is being replaced, or
is gone, is never taken for clients of whom nothing is known.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import numpy as np
import redis
from numpy.typing import NDArray
from redis.backoff import NoBackoff
from redis.retry import Retry

from scoring.history.store import (
    HistoryError,
    HistoryRecord,
    HistoryRows,
    HistoryUnavailableError,
    Layout,
    parse_record,
)
from scoring.scorecard import Scorecard

TIMEOUT = 0.25
"""Seconds for a connection, and for an answer."""
MOST_KEYS = 1024
"""Rows of one command: Redis answers nobody else meanwhile."""


def pointer(scorecard: str) -> str:
    """Return the key under which Redis keeps the name of the version that counts."""
    return f"scorebox:{scorecard}:history"


def record_key(scorecard: str, version: str) -> str:
    """Return the key of a version's record."""
    return f"scorebox:{scorecard}:history:{version}"


def row_prefix(scorecard: str, version: str) -> str:
    """Return the text before a client's own key in the Redis key of the client's row."""
    return f"scorebox:{scorecard}:history:{version}:"


def connect(address: str, timeout: float = TIMEOUT) -> redis.Redis:
    """Return a client with a pool of its own; it connects when it is first used.

    Raises:
        HistoryError: the address is not that of a Redis.
    """
    try:
        return redis.Redis.from_url(
            address,
            socket_timeout=timeout,
            socket_connect_timeout=timeout,
            # One more try: a connection of the pool may have been closed while it was idle.
            retry=Retry(NoBackoff(), 1),
        )
    except ValueError as error:
        raise HistoryError(f"{shown(address)} is not the address of a Redis: {error}") from None


def shown(address: str) -> str:
    """Return the address without user name and password."""
    scheme, _, rest = address.partition("://")
    return f"{scheme}://{rest.rpartition('@')[2]}"


def refuse_eviction(client: redis.Redis, where: str) -> None:
    """Refuse a Redis that may drop rows: a client whose row is dropped would pass for an unknown one.

    Raises:
        HistoryError: it may.
    """
    memory: Any = client.info("memory")
    if str(memory.get("maxmemory_policy", "")).startswith("allkeys"):
        raise HistoryError(f"{where} drops keys when memory is short; set its maxmemory-policy to noeviction")


@dataclass(frozen=True, slots=True)
class _Version:
    name: bytes
    prefix: str
    record: HistoryRecord
    layout: Layout


class _Connections:
    """Open connections that wait for the next read.

    The client's own way through its pool costs as much as Redis itself: it asks each connection whether it is still
    open. Here one that is not is found out by using it, and the read is made again with a new one.
    """

    def __init__(self, pool: redis.ConnectionPool) -> None:
        self._pool = pool
        self._idle: deque[Any] = deque()  # safe to use from several threads

    def ask(self, *command: str) -> Any:
        """Send one command and return its answer.

        Raises:
            RedisError: no answer comes, or it is an error.
        """
        with suppress(redis.ConnectionError, IndexError):
            return self._ask(self._idle.pop(), command)
        return self._ask(self._pool.make_connection(), command)

    def close(self) -> None:
        """Close what is open."""
        while self._idle:
            self._idle.pop().disconnect()

    def _ask(self, connection: Any, command: Sequence[str]) -> Any:
        try:
            connection.send_command(*command)
            answer = connection.read_response()
        except BaseException:
            # What is half read must not be taken for the answer to the next command.
            connection.disconnect()
            raise
        self._idle.append(connection)
        return answer


class RedisHistory:
    """The history in Redis: checked when it is opened, and again whenever a new version is there."""

    remote = True

    def __init__(self, address: str, scorecard: Scorecard, columns: Sequence[str]) -> None:
        self._where = shown(address)
        self._scorecard = scorecard
        self._columns = tuple(columns)
        self._pointer = pointer(scorecard.name)
        self._client = connect(address)
        self._reads = _Connections(self._client.connection_pool)
        try:
            refuse_eviction(self._client, self._where)
            self._version = self._newest()
        except redis.RedisError as error:
            self._client.close()
            raise HistoryError(f"the history at {self._where} cannot be read: {error}") from None
        except HistoryError:
            self._client.close()
            raise

    @property
    def record(self) -> HistoryRecord:
        """The record of the version that was read last."""
        return self._version.record

    def read(self, keys: NDArray[np.int64]) -> HistoryRows:
        """Return the history of each key, as `HistoryStore.read`."""
        names = keys.tolist()
        try:
            parts = [self._read(names[start : start + MOST_KEYS]) for start in range(0, len(names) or 1, MOST_KEYS)]
        except redis.RedisError as error:
            reason = type(error).__name__
            raise HistoryUnavailableError(f"the history store does not answer ({reason})") from None
        except HistoryError as error:
            raise HistoryUnavailableError(f"the history store was filled with something else: {error}") from None
        if len(parts) == 1:
            return parts[0]
        return np.concatenate([values for values, _ in parts]), np.concatenate([known for _, known in parts])

    def close(self) -> None:
        """Close the connections."""
        self._reads.close()
        self._client.close()

    def _read(self, keys: Sequence[int]) -> HistoryRows:
        for _ in range(3):
            version = self._version
            found = self._reads.ask("MGET", self._pointer, *(f"{version.prefix}{key}" for key in keys))
            if found[0] == version.name:
                return version.layout.rows(found[1:])
            self._version = self._newest()
        raise HistoryUnavailableError("the history store is being filled again and again")

    def _newest(self) -> _Version:
        name: Any = self._client.get(self._pointer)
        text: Any = None if name is None else self._client.get(record_key(self._scorecard.name, name.decode()))
        if text is None:
            raise HistoryError(
                f"{self._where} holds no history of {self._scorecard.name}; "
                f"run: scorebox history {self._scorecard.name} --to {self._where}"
            )
        record = parse_record(text, self._where, self._scorecard.name)
        layout = Layout(record, self._where, self._scorecard, self._columns)
        return _Version(name, row_prefix(self._scorecard.name, name.decode()), record, layout)
