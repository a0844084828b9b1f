"""The file system under a journal: which one it is, and what it takes to put bytes on disk there."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from time import perf_counter

import psutil

IN_MEMORY = frozenset({"tmpfs", "ramfs"})
WRITES = 200
PAGE = bytes(4_096)
"""The bytes that SQLite writes at once."""


@dataclass(frozen=True)
class Disk:
    """A file system, and the median milliseconds of one page written and fsynced at a file's end."""

    kind: str
    fsync_ms: float

    @property
    def in_memory(self) -> bool:
        """Whether nothing on it outlives the power."""
        return self.kind in IN_MEMORY

    def __str__(self) -> str:
        return f"{self.kind}; a page written and fsynced takes {self.fsync_ms:.2f} ms at the median of {WRITES}"


def disk_of(folder: Path) -> Disk:
    """Measure the file system that an existing folder lies on."""
    trial = folder / "fsync.trial"
    seconds = []
    try:
        with trial.open("wb", buffering=0) as file:
            for _ in range(WRITES):
                began = perf_counter()
                file.write(PAGE)
                os.fsync(file.fileno())
                seconds.append(perf_counter() - began)
    finally:
        trial.unlink(missing_ok=True)
    return Disk(_kind(folder.resolve()), median(seconds) * 1_000)


def _kind(folder: Path) -> str:
    mounted = {Path(one.mountpoint): one.fstype for one in psutil.disk_partitions(all=True)}
    kind: str = next((mounted[path] for path in (folder, *folder.parents) if path in mounted), "unknown")
    return kind
