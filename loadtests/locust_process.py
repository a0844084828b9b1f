"""Runs Locust as a process of its own, because it patches ssl for everything else in its process."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from loadtests import ROOT
from loadtests.curves import Scenario, Shape
from loadtests.machine import divide_cores, pinned
from loadtests.server import Server
from loadtests.targets import Finding, ScenarioTargets, evaluate, read_stats

LOCUSTFILE = Path(__file__).with_name("shaped_locustfile.py")
USER_CLASSES = {Scenario.SINGLE: "SingleUser", Scenario.BATCH: "BatchUser", Scenario.MIXED: "MixedUser"}
# Locust imports, spawns users and writes its report in this many seconds on top of the run.
LOCUST_SECONDS = 60.0
MEBIBYTE = 1 << 20


class LocustError(RuntimeError):
    """Locust broke off without a result."""


@dataclass(frozen=True)
class Job:
    """One run of Locust.

    Attributes:
        server: the server, if its processes can be watched.
        folder: where the CSV files, the HTML report and the log go.
    """

    scenario: Scenario
    shape: Shape
    seconds: float
    load: ScenarioTargets
    applications: Path | None
    host: str
    server: Server | None
    folder: Path


def run_locust(job: Job, console: Console) -> list[Finding]:
    """Run Locust to its end and check its figures against the targets.

    Raises:
        LocustError: Locust failed, or did not end.
        TargetsError: there is no target, or Locust wrote no result.
        ServerError: the watched server has died.
    """
    target = job.load.target(job.shape)
    job.folder.mkdir(parents=True, exist_ok=True)
    log = job.folder / "locust.log"
    prefix = job.folder.resolve() / "locust"
    for old in job.folder.glob("locust*"):
        old.unlink()
    arguments = [
        sys.executable, "-m", "locust", "--locustfile", str(LOCUSTFILE), USER_CLASSES[job.scenario],
        "--headless", "--host", job.host, "--csv", str(prefix), "--html", f"{prefix}.html",
        "--only-summary", "--stop-timeout", "10", "--exit-code-on-error", "0",
    ]  # fmt: skip
    environment = {
        "SCOREBOX_LOAD_SHAPE": job.shape.value,
        "SCOREBOX_LOAD_SECONDS": str(job.seconds),
        "SCOREBOX_LOAD_USERS": str(job.load.users),
        "SCOREBOX_LOAD_REQUESTS_PER_USER": str(job.load.requests_per_user),
    }
    if job.applications is not None:
        environment["SCOREBOX_LOAD_APPLICATIONS"] = str(job.applications.resolve())
    with log.open("wb") as output, pinned(divide_cores().client):
        process = subprocess.Popen(
            arguments, cwd=ROOT, env={**os.environ, **environment}, stdout=output, stderr=subprocess.STDOUT
        )
    try:
        growth = _watch(process, job, console)
    finally:
        process.kill()
        process.wait()
    if process.returncode != 0:
        raise LocustError(f"Locust ended with exit code {process.returncode}; its last words:\n{_tail(log)}")
    exceptions = prefix.with_name("locust_exceptions.csv").read_text(encoding="utf-8").splitlines()
    if len(exceptions) > 1:
        raise LocustError(f"Locust's users raised exceptions, see {log.name}; its last words:\n{_tail(log)}")
    return evaluate(target, read_stats(prefix.with_name("locust_stats.csv"), growth))


def _watch(process: subprocess.Popen[bytes], job: Job, console: Console) -> float | None:
    """Show the progress until Locust ends; return the server's memory growth in MiB, if it can be watched."""
    started = time.monotonic()
    memory: list[int] = []
    columns = (TextColumn("{task.description:<14}"), BarColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console) as progress:
        task = progress.add_task(f"{job.scenario} {job.shape}", total=job.seconds)
        while process.poll() is None:
            elapsed = time.monotonic() - started
            if elapsed > job.seconds + LOCUST_SECONDS:
                raise LocustError(f"Locust was still running {LOCUST_SECONDS:g} s after the end of the run")
            progress.update(task, completed=min(elapsed, job.seconds))
            if job.server is not None:
                memory.append(job.server.memory_bytes())
            time.sleep(0.25)
        progress.update(task, completed=job.seconds)
    if not memory:
        return None
    return (memory[-1] - memory[len(memory) // 3]) / MEBIBYTE


def _tail(log: Path) -> str:
    return "\n".join(log.read_text(errors="replace").splitlines()[-20:])
