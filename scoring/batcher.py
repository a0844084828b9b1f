"""Adaptive batching without a timer.

What arrives while one batch is processed forms the next one. A lone item is taken at once;
under load the batches grow by themselves, up to `max_batch_size` rows.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Generic, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


class QueueTimeoutError(RuntimeError):
    """An item waited longer than the batcher allows and was refused."""


class BatcherClosedError(RuntimeError):
    """The batcher takes no more items."""


@dataclass(slots=True)
class _Waiting(Generic[Item, Result]):
    item: Item
    rows: int
    since: float
    future: asyncio.Future[Result]


class Batcher(Generic[Item, Result]):
    """Collects items from concurrent callers and processes them in batches, in order of arrival.

    Args:
        process: takes a batch of items and gives one result or exception per item.
        max_batch_size: rows in a batch; an item with more rows than this goes alone.
        max_wait: seconds after which a waiting item is refused, oldest first.
        observe: called with the rows of each batch and the seconds its oldest item waited.
    """

    def __init__(
        self,
        process: Callable[[Sequence[Item]], Awaitable[Sequence[Result | Exception]]],
        *,
        max_batch_size: int,
        max_wait: float,
        observe: Callable[[int, float], None] = lambda rows, waited: None,
    ) -> None:
        self._process = process
        self._max_batch_size = max_batch_size
        self._max_wait = max_wait
        self._observe = observe
        self._queue: deque[_Waiting[Item, Result]] = deque()
        self._arrival = asyncio.Event()
        self._closed = False
        self._worker: asyncio.Task[None] | None = None

    @property
    def oldest_wait(self) -> float:
        """Seconds that the oldest item in the queue has waited; 0 for an empty queue."""
        return time.monotonic() - self._queue[0].since if self._queue else 0.0

    async def submit(self, item: Item, rows: int = 1) -> Result:
        """Return the item's result, once its batch is done.

        Raises:
            QueueTimeoutError: the item waited longer than `max_wait`.
            BatcherClosedError: the batcher was closed before.
        """
        if self._closed:
            raise BatcherClosedError("the batcher is closed")
        if self._worker is None:
            self._worker = asyncio.create_task(self._run(), name="batcher")
        future: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        self._queue.append(_Waiting(item, rows, time.monotonic(), future))
        self._arrival.set()
        return await future

    async def close(self) -> None:
        """Refuse new items, finish those that wait, then stop."""
        self._closed = True
        self._arrival.set()
        if self._worker is not None:
            await self._worker

    async def _run(self) -> None:
        while True:
            if not self._queue:
                if self._closed:
                    return
                self._arrival.clear()
                await self._arrival.wait()
                continue
            batch = self._next_batch()
            if batch:
                await self._serve(batch)

    def _next_batch(self) -> list[_Waiting[Item, Result]]:
        now = time.monotonic()
        batch: list[_Waiting[Item, Result]] = []
        rows = 0
        while self._queue:
            head = self._queue[0]
            if head.future.done():
                self._queue.popleft()  # its caller has gone
            elif now - head.since > self._max_wait:
                self._queue.popleft()
                head.future.set_exception(QueueTimeoutError(f"waited longer than {self._max_wait:g} s"))
            elif batch and rows + head.rows > self._max_batch_size:
                break
            else:
                batch.append(self._queue.popleft())
                rows += head.rows
        if batch:
            self._observe(rows, now - batch[0].since)
        return batch

    async def _serve(self, batch: Sequence[_Waiting[Item, Result]]) -> None:
        results: Sequence[Result | Exception]
        try:
            results = await self._process([waiting.item for waiting in batch])
            if len(results) != len(batch):
                raise RuntimeError(f"{len(results)} results for {len(batch)} items")
        except Exception as error:
            if len(batch) > 1:
                # One item must not fail its neighbours.
                for waiting in batch:
                    await self._serve([waiting])
                return
            results = [error]
        for waiting, result in zip(batch, results, strict=True):
            with suppress(asyncio.InvalidStateError):  # its caller has gone
                if isinstance(result, Exception):
                    waiting.future.set_exception(result)
                else:
                    waiting.future.set_result(result)
