"""Requests of many rows have the scorer one after the other, and one that would be late is told so at once."""

from __future__ import annotations

import asyncio
from math import inf
from time import perf_counter

import pytest

from scoring.turns import LateError, Turns

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


class Clock:
    """A clock that stands until it is set."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


async def refused(turns: Turns, rows: int, deadline: float, *, begun: bool = False) -> LateError | None:
    try:
        async with turns.turn(rows, deadline, begun=begun):
            return None
    except LateError as error:
        return error


async def test_turns_are_in_order_of_arrival() -> None:
    turns, order = Turns(), []

    async def take(name: int) -> None:
        async with turns.turn(10, inf):
            order.append(name)
            await asyncio.sleep(0)
            order.append(name)

    await asyncio.gather(*(take(name) for name in range(5)))
    assert order == [name for name in range(5) for _ in range(2)]


async def test_nothing_is_refused_before_anything_is_measured(clock: Clock) -> None:
    assert await refused(Turns(clock), 10**9, clock.now + 0.001) is None


async def test_rows_that_would_be_late_are_refused_and_fewer_are_not(clock: Clock) -> None:
    turns = Turns(clock)
    turns.measure(100, 1.0)
    # A quarter of the time is left for the answer.
    assert await refused(turns, 300, clock.now + 4) is None
    error = await refused(turns, 301, clock.now + 4)
    assert str(error) == "301 rows would not be in time as fast as rows are decided now; send fewer at once"
    assert await refused(turns, 301, inf) is None


async def test_the_rows_ahead_count_until_they_are_done(clock: Clock) -> None:
    turns = Turns(clock)
    turns.measure(100, 1.0)
    async with turns.turn(250, clock.now + 4) as done:
        error = await refused(turns, 100, clock.now + 4)
        assert error is not None
        assert str(error) == "250 rows of others come first, and 100 more would not be in time; send them again later"
        assert error.retry_after == 2.5
        done(100)
        waiting = asyncio.create_task(refused(turns, 100, clock.now + 4))
        await asyncio.sleep(0)
        assert not waiting.done()
        done(150)
    assert await waiting is None
    assert await refused(turns, 300, clock.now + 4) is None


async def test_what_was_admitted_is_refused_when_its_turn_comes_too_late(clock: Clock) -> None:
    turns = Turns(clock)
    async with turns.turn(100, inf):
        waiting = asyncio.create_task(refused(turns, 100, clock.now + 4))
        await asyncio.sleep(0)
        clock.now += 3.5
        turns.measure(100, 1.0)
    assert isinstance(await waiting, LateError)
    # Its rows are not waited for any more.
    assert await refused(turns, 300, clock.now + 4) is None


async def test_nobody_waits_beyond_the_time_that_there_is() -> None:
    turns = Turns()
    async with turns.turn(100, inf):
        assert isinstance(await refused(turns, 100, perf_counter() + 0.05), LateError)


async def test_who_goes_away_while_waiting_leaves_no_trace() -> None:
    turns = Turns()
    async with turns.turn(100, inf):
        waiting = asyncio.create_task(refused(turns, 100, inf))
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
    assert await refused(turns, 100, inf) is None


async def test_of_what_is_begun_each_row_counts(clock: Clock) -> None:
    turns = Turns(clock)
    turns.measure(1, 1.0)
    assert await refused(turns, 1000, clock.now + 4, begun=True) is None
    async with turns.turn(10, inf):
        assert isinstance(await refused(turns, 1000, clock.now + 4, begun=True), LateError)


async def test_a_measurement_is_forgotten_in_time(clock: Clock) -> None:
    turns = Turns(clock)
    turns.measure(1, 1.0)
    assert await refused(turns, 10, clock.now + 4) is not None
    clock.now += 60
    assert await refused(turns, 10, clock.now + 4) is None
    turns.measure(1, 1.0)
    turns.measure(1000, 1.0)
    assert await refused(turns, 4, clock.now + 4) is None
