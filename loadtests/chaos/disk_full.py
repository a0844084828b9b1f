"""A disk without room under the journal: refusals, no answer that is not kept, and no restart once there is room."""

from __future__ import annotations

import errno
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import psutil

from loadtests.chaos.callers import Callers, Memory
from loadtests.chaos.ground import Ground, Outcome, Site
from loadtests.chaos.ledger import Audit, audit

DISK_MIB = 16
ROOM_BYTES = 512 << 10
"""The space left before the disk is full, so that it fills up in the middle of a batch."""
FILLER_BYTES = 1 << 20
LIMIT_BYTES = 4_096
ENOUGH = 300
"""Answers of a kind that are waited for."""

IN_A_NAMESPACE = ["unshare", "--mount", "--map-root-user"]
MOUNT = f'mount -t tmpfs -o size={DISK_MIB}m,mode=0700 none "$SCOREBOX_JOURNAL" && exec "$@"'


def disk_full(ground: Ground) -> Outcome:
    """Fill a file system of a few MiB where one may be mounted; else forbid the worker's files to grow."""
    return _small_disk(ground) if _may_mount() else no_growth(ground)


def no_growth(ground: Ground) -> Outcome:
    """Forbid the worker's files to grow (RLIMIT_FSIZE), then permit it again."""
    with ground.site("disk") as site:
        worker = site.server.worker()

        @contextmanager
        def full() -> Iterator[None]:
            before = worker.rlimit(psutil.RLIMIT_FSIZE)
            worker.rlimit(psutil.RLIMIT_FSIZE, (LIMIT_BYTES, before[1]))
            try:
                yield
            finally:
                worker.rlimit(psutil.RLIMIT_FSIZE, before)

        memory, came = _fill(ground, site, full)
        restarted = site.server.worker().pid != worker.pid
        site.server.stop()
        found = audit(site.journal, memory.received())
    return _outcome("Under load the worker's files may not grow (RLIMIT_FSIZE)", memory, found, came, restarted)


def _small_disk(ground: Ground) -> Outcome:
    with ground.site("disk", before=[*IN_A_NAMESPACE, "sh", "-c", MOUNT, "sh"]) as site:
        worker = site.server.worker()
        # Mounted where only the server sees it.
        inside = Path(f"/proc/{worker.pid}/root{site.journal}")

        @contextmanager
        def full() -> Iterator[None]:
            filler = inside / "filler"
            _fill_up(filler)
            try:
                yield
            finally:
                filler.unlink()

        memory, came = _fill(ground, site, full)
        restarted = site.server.worker().pid != worker.pid
        # The disk ends with the server, which writes nothing now.
        kept = ground.folder / "chaos-disk-journal"
        shutil.rmtree(kept, ignore_errors=True)
        shutil.copytree(inside, kept)
        site.server.stop()
        found = audit(kept, memory.received())
        shutil.rmtree(kept)
    return _outcome(f"Under load the journal's file system of {DISK_MIB} MiB fills up", memory, found, came, restarted)


def _fill(ground: Ground, site: Site, full: Callable[[], AbstractContextManager[None]]) -> tuple[Memory, bool]:
    """Send load before, while and after there is no room; return whether each came to what it should."""
    callers = Callers(site.port, ground.traffic(batch_share=0.1), ground.sizes.callers)
    with callers.calling() as memory:
        came = callers.wait_until(lambda memory: len(memory.decided) >= ENOUGH)
        ground.advance(0.2)
        with full():
            came &= callers.wait_until(lambda memory: memory.refused >= ENOUGH)
            ground.advance(0.5)
        before = len(memory.decided)
        came &= callers.wait_until(lambda memory: len(memory.decided) >= before + ENOUGH)
        ground.advance(0.8)
    return memory, came


def _outcome(what: str, memory: Memory, found: Audit, came: bool, restarted: bool) -> Outcome:
    wrong = ", ".join(f"{count} × {name}" for name, count in memory.wrong.items())
    return Outcome(
        what,
        "once",
        "503 as problem details with Retry-After, no 200 without a record; with room again answers, without a restart",
        f"{found}; {memory.refused:,} refusals; "
        f"{wrong or 'no other answer'}; {'restarted' if restarted else 'no restart'}",
        came and found.holds and not memory.wrong and not memory.unanswered and not restarted,
    )


def _may_mount() -> bool:
    try:
        trial = [*IN_A_NAMESPACE, "sh", "-c", "mount -t tmpfs -o size=1m none /tmp"]
        return subprocess.run(trial, capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        return False


def _fill_up(filler: Path) -> None:
    """Write until there is no more room, then free a little."""
    with filler.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(FILLER_BYTES))
        except OSError as error:
            if error.errno != errno.ENOSPC:
                raise
        file.truncate(max(file.tell() - ROOM_BYTES, 0))
