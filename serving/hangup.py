"""SIGHUP reloads, as `POST /reload` does: in the process that answers, and from the one that started it.

The parent of `bentoml serve` would start a second process next to the one that has the journal, and that one would end.
"""

from __future__ import annotations

import asyncio
import logging
import os
import re
import signal
from contextlib import suppress
from pathlib import Path
from typing import Any

from serving.core import Core
from serving.problems import ProblemError

logger = logging.getLogger("bentoml.scorebox")


def hand_on() -> None:
    """Hand SIGHUP on, in the parent of `bentoml serve`, to the processes that it has started."""
    # Only here: the processes that answer do without it.
    from circus.sighandler import SysHandler  # type: ignore[import-untyped]  # the package has no types

    ignore()
    SysHandler.handle_hup = _hand_on


def ignore() -> None:
    """Ignore SIGHUP until it can be handled: what is starting reads everything anyway."""
    signal.signal(signal.SIGHUP, signal.SIG_IGN)


def reload_on_hangup(core: Core) -> None:
    """Reload at each SIGHUP from now on, and log what came of it.

    Args:
        core: what this process answers by; it has a running event loop.
    """
    tasks: set[asyncio.Task[None]] = set()

    def begin() -> None:
        task = loop.create_task(_reload(core), name="reload")
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGHUP, begin)


async def _reload(core: Core) -> None:
    if core.draining:
        logger.info("SIGHUP is ignored: the service is shutting down")
        return
    try:
        reloaded = await core.reload()
    except ProblemError as error:
        logger.error("SIGHUP: %s", error)  # noqa: TRY400  # the detail says it all
    else:
        state = "something else serves" if reloaded.changed else "nothing has changed"
        logger.info("SIGHUP: release, policy and challenge were read again: %s", state)


def _hand_on(handler: Any) -> None:
    for watcher in handler.controller.arbiter.iter_watchers():
        for pid in list(watcher.processes):
            if not _handles_hangup(pid):
                logger.info("SIGHUP is ignored: process %d is starting and reads everything anyway", pid)
                continue
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGHUP)


def _handles_hangup(pid: int) -> bool:
    """Return whether a process has a handler for SIGHUP, of which it would die otherwise."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False
    found = re.search(r"^SigCgt:\s*([0-9a-f]+)$", status, re.MULTILINE)
    return found is not None and bool(int(found[1], 16) >> (signal.SIGHUP - 1) & 1)
