"""The machine under the measurement: its cores, and what is installed on it."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import psutil

LIBRARIES = ("bentoml", "fastapi", "uvicorn", "uvloop", "httptools", "pydantic", "onnxruntime", "numpy")


@dataclass(frozen=True)
class Cores:
    """Which cores the server and the load generator get; None where cores cannot be assigned."""

    server: frozenset[int] | None
    client: frozenset[int] | None


def divide_cores() -> Cores:
    """Return one core for the server and another for the load generator, where the machine allows it."""
    if not hasattr(os, "sched_setaffinity"):
        return Cores(None, None)
    available = sorted(os.sched_getaffinity(0))
    if len(available) < 2:
        return Cores(None, None)
    return Cores(frozenset(available[:1]), frozenset(available[1:2]))


@contextmanager
def pinned(cores: frozenset[int] | None) -> Iterator[None]:
    """Run processes that this thread starts inside the block on these cores only."""
    if cores is None:
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def busy_share() -> float:
    """Return the share of all cores that is in use just now, measured over a second."""
    percent: float = psutil.cpu_percent(interval=1.0)
    return percent / 100


def facts(cores: Cores) -> dict[str, str]:
    """Describe the machine, so that a reader can judge the figures."""
    count = os.cpu_count()
    placement = "not pinned" if cores.server is None else "servers pinned to one core, the load generator to another"
    return {
        "Date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "Processor": f"{_processor()}, {count} cores; {placement}",
        "Busy before the start": f"{busy_share():.0%} of all cores",
        "System": f"{platform.system()} {platform.release().split('-')[0]}, {platform.python_implementation()} "
        f"{platform.python_version()}",
        "Libraries": ", ".join(f"{name} {_version(name)}" for name in LIBRARIES),
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"
