"""Fits side by side, in as many processes as there are cores for this one.

Processes and not threads: PyTorch's random numbers and its number of threads belong to a whole process, so fits next
to each other in one would give other bits. Every fit has one thread, wherever it runs.
"""

from __future__ import annotations

import multiprocessing
import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from functools import cache, partial
from typing import Any, ParamSpec, TypeVar

import joblib
from threadpoolctl import threadpool_limits

from training.errors import StageError

P = ParamSpec("P")
R = TypeVar("R")


class Workers:
    """Runs functions in processes of its own, or in this one where it has a single core."""

    def __init__(self, count: int) -> None:
        self.count = count
        """How many functions run at a time."""
        self._executor = _executor(count) if count > 1 else None

    def submit(self, function: Callable[P, R], *arguments: P.args, **named: P.kwargs) -> Future[R]:
        """Start a function of a module, and return the promise of its result; functions start in order."""
        if self._executor is not None:
            return self._executor.submit(_with_one_thread, partial(function, *arguments, **named))
        done: Future[R] = Future()
        done.set_result(_with_one_thread(partial(function, *arguments, **named)))
        return done

    def for_each(self, function: Callable[[Any], R], items: Sequence[Any]) -> Iterator[R]:
        """Call a function that submits to these workers for each item, all at a time; yield results as they come."""
        if self._executor is None or not items:
            yield from map(function, items)
            return
        threads = ThreadPoolExecutor(len(items))
        try:
            started = [threads.submit(function, item) for item in items]
            for ended in as_completed(started):
                yield ended.result()
        except BaseException:
            # First, since the threads wait for what the processes do.
            self.kill()
            raise
        finally:
            threads.shutdown(cancel_futures=True)

    def kill(self) -> None:
        """End the processes at once, whatever they do; what waits for them gets an error."""
        if self._executor is not None:
            _executor.cache_clear()
            for process in multiprocessing.active_children():
                process.kill()
            self._executor.shutdown(cancel_futures=True)


@contextmanager
def workers() -> Iterator[Workers]:
    """Yield workers for every core of this process.

    The processes stay for the stages that follow, but end at once where an error or Ctrl-C ends this one.

    Raises:
        StageError: a process was killed.
    """
    own = Workers(joblib.cpu_count())
    try:
        yield own
    except BrokenProcessPool:
        own.kill()
        raise StageError("a process that fits models was killed; is there enough memory? Run it again") from None
    except BaseException:
        own.kill()
        raise


@cache
def _executor(count: int) -> ProcessPoolExecutor:
    """Start processes, which import for seconds and so are kept; they begin anew, since this one has threads."""
    executor = ProcessPoolExecutor(
        count, multiprocessing.get_context("spawn"), initializer=signal.signal, initargs=(signal.SIGINT, signal.SIG_IGN)
    )
    # Ctrl-C reaches all processes of a terminal. This one ends the others itself, so they are started without an ear.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    for _ in range(count):
        executor.submit(int)
    signal.pthread_sigmask(signal.SIG_SETMASK, before)
    return executor


def _with_one_thread(function: Callable[[], R]) -> R:
    with threadpool_limits(1):
        return function()
