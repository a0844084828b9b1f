"""The batcher: natural batches, fair refusals, and callers that cannot harm each other."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from scoring import batcher as module
from scoring.batcher import Batcher, BatcherClosedError, QueueTimeoutError

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


class Clock:
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(module, "time", clock)
    return clock


class Work:
    """Doubles numbers; keeps the batches it saw, and holds each until `gate` is open."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.started = asyncio.Event()

    async def __call__(self, items: Sequence[int]) -> list[int | Exception]:
        self.batches.append(list(items))
        self.started.set()
        await self.gate.wait()
        if -2 in items:
            raise ValueError("-2 breaks its batch")
        return [ValueError("-1 is refused") if item == -1 else 2 * item for item in items]


def batcher(work: Work, *, max_batch_size: int = 100, max_wait: float = 60.0) -> Batcher[int, int]:
    return Batcher(work, max_batch_size=max_batch_size, max_wait=max_wait)


async def submit_behind(work: Work, batching: Batcher[int, int], items: Sequence[int]) -> list[asyncio.Task[int]]:
    """Submits 0, waits until it is in work, then submits `items` behind it."""
    work.gate.clear()
    tasks = [asyncio.create_task(batching.submit(0))]
    await work.started.wait()
    tasks += [asyncio.create_task(batching.submit(item)) for item in items]
    await asyncio.sleep(0)
    return tasks


async def test_a_lone_item_is_processed_alone_and_at_once() -> None:
    work = Work()
    assert await batcher(work).submit(3) == 6
    assert work.batches == [[3]]


async def test_what_arrives_during_a_batch_forms_the_next_one() -> None:
    work = Work()
    tasks = await submit_behind(work, batcher(work), range(1, 6))
    work.gate.set()
    assert await asyncio.gather(*tasks) == [0, 2, 4, 6, 8, 10]
    assert work.batches == [[0], [1, 2, 3, 4, 5]]


async def test_a_batch_holds_at_most_the_rows_it_may() -> None:
    work = Work()
    batching = batcher(work, max_batch_size=4)
    tasks = await submit_behind(work, batching, range(1, 11))
    work.gate.set()
    await asyncio.gather(*tasks)
    assert work.batches == [[0], [1, 2, 3, 4], [5, 6, 7, 8], [9, 10]]


async def test_an_item_of_many_rows_goes_alone_and_keeps_its_place() -> None:
    work = Work()
    batching = batcher(work, max_batch_size=4)
    tasks = await submit_behind(work, batching, [1])
    tasks.append(asyncio.create_task(batching.submit(100, rows=50)))
    tasks.append(asyncio.create_task(batching.submit(2)))
    await asyncio.sleep(0)
    work.gate.set()
    assert await asyncio.gather(*tasks) == [0, 2, 200, 4]
    assert work.batches == [[0], [1], [100], [2]]


async def test_the_batch_after_a_burst_is_as_small_as_the_one_before() -> None:
    work = Work()
    batching = batcher(work)
    await batching.submit(1)
    await asyncio.gather(*(batching.submit(item) for item in range(50)))
    work.batches.clear()
    await batching.submit(2)
    assert work.batches == [[2]]


async def test_an_item_that_waited_too_long_is_refused_and_the_batch_in_work_is_not(clock: Clock) -> None:
    work = Work()
    tasks = await submit_behind(work, batcher(work, max_wait=1.0), [1, 2])
    clock.now += 1.1
    work.gate.set()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    assert results[0] == 0
    assert [type(result) for result in results[1:]] == [QueueTimeoutError, QueueTimeoutError]
    assert work.batches == [[0]]


async def test_the_oldest_is_refused_first(clock: Clock) -> None:
    work = Work()
    batching = batcher(work, max_wait=1.0)
    tasks = await submit_behind(work, batching, [1])
    clock.now += 0.6
    tasks.append(asyncio.create_task(batching.submit(2)))
    await asyncio.sleep(0)
    clock.now += 0.6
    work.gate.set()
    old, young = await asyncio.gather(tasks[1], tasks[2], return_exceptions=True)
    assert isinstance(old, QueueTimeoutError)
    assert young == 4


async def test_the_age_of_the_oldest_item_is_seen_while_it_waits(clock: Clock) -> None:
    work = Work()
    batching = batcher(work)
    assert batching.oldest_wait == 0.0
    tasks = await submit_behind(work, batching, [1])
    clock.now += 2.5
    assert batching.oldest_wait == 2.5
    work.gate.set()
    await asyncio.gather(*tasks)
    assert batching.oldest_wait == 0.0


async def test_a_bad_item_fails_alone_when_it_is_named() -> None:
    work = Work()
    tasks = await submit_behind(work, batcher(work), [6, -1, 8])
    work.gate.set()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    assert [str(result) for result in results] == ["0", "12", "-1 is refused", "16"]
    assert work.batches == [[0], [6, -1, 8]]


async def test_a_bad_item_that_breaks_its_batch_fails_alone_too() -> None:
    work = Work()
    tasks = await submit_behind(work, batcher(work), [12, -2, 14])
    work.gate.set()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    assert [str(result) for result in results] == ["0", "24", "-2 breaks its batch", "28"]


async def test_a_process_that_loses_a_result_is_an_error_and_not_a_mix_up() -> None:
    async def forgetful(items: Sequence[int]) -> list[int | Exception]:
        return list(items[1:])

    batching: Batcher[int, int] = Batcher(forgetful, max_batch_size=10, max_wait=60.0)
    results = await asyncio.gather(*(batching.submit(item) for item in (1, 2)), return_exceptions=True)
    assert [str(result) for result in results] == ["0 results for 1 items"] * 2


async def test_a_caller_that_has_gone_is_left_out() -> None:
    work = Work()
    tasks = await submit_behind(work, batcher(work), [1, 2, 3])
    tasks[2].cancel()
    await asyncio.sleep(0)
    work.gate.set()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    assert [results[0], results[1], results[3]] == [0, 2, 6]
    assert work.batches == [[0], [1, 3]]


async def test_a_caller_that_goes_while_its_batch_is_in_work_harms_nobody() -> None:
    work = Work()
    batching = batcher(work)
    tasks = await submit_behind(work, batching, [])
    tasks[0].cancel()
    await asyncio.sleep(0)
    work.gate.set()
    assert await batching.submit(5) == 10


async def test_closing_finishes_what_waits_and_takes_no_more() -> None:
    work = Work()
    batching = batcher(work)
    tasks = await submit_behind(work, batching, [1, 2])
    closing = asyncio.create_task(batching.close())
    await asyncio.sleep(0)
    with pytest.raises(BatcherClosedError):
        await batching.submit(3)
    work.gate.set()
    await closing
    assert [task.result() for task in tasks] == [0, 2, 4]


async def test_closing_an_unused_batcher_ends() -> None:
    await batcher(Work()).close()


async def test_rows_and_the_oldest_wait_of_each_batch_are_observed(clock: Clock) -> None:
    seen: list[tuple[int, float]] = []
    work = Work()
    batching: Batcher[int, int] = Batcher(
        work, max_batch_size=100, max_wait=60.0, observe=lambda rows, waited: seen.append((rows, waited))
    )
    tasks = await submit_behind(work, batching, [1])
    clock.now += 0.5
    tasks.append(asyncio.create_task(batching.submit(2, rows=30)))
    await asyncio.sleep(0)
    work.gate.set()
    await asyncio.gather(*tasks)
    assert seen == [(1, 0.0), (31, 0.5)]
