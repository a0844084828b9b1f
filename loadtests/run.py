"""`python -m loadtests.run`: load from Locust's users against the service, held to the targets."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

import typer
from rich import box
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from loadtests import ROOT
from loadtests.curves import Scenario, Shape
from loadtests.machine import divide_cores, pinned
from loadtests.options import RESULTS, ApplicationsOption, ReleaseOption, ResultsOption, ScorecardOption, draw
from loadtests.options import release_file as find_release
from loadtests.served import bento_home, find, service_command
from loadtests.server import Server, ServerError, running
from loadtests.targets import TARGETS_FILE, Finding, ScenarioTargets, Targets, TargetsError, evaluate, read_stats
from loadtests.traffic import TrafficError
from scoring import scorecards
from scoring.models import ModelStoreError
from scoring.scorecards import UnknownScorecardError

TARGET_MISSED = 1
CANNOT_RUN = 2
LOCUSTFILE = Path(__file__).with_name("locustfile.py")
USER_CLASSES = {Scenario.SINGLE: "SingleUser", Scenario.BATCH: "BatchUser", Scenario.MIXED: "MixedUser"}
# Locust imports, spawns users and writes its report in this many seconds beside the run.
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
    scorecard: str
    applications: Path | None
    host: str
    server: Server | None
    folder: Path


def run_locust(job: Job, console: Console) -> list[Finding]:
    """Runs Locust to its end and holds what it measured to the targets.

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
        "SCOREBOX_SCORECARD": job.scorecard,
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
    """Shows the progress until Locust ends; the server's memory growth in MiB, if it can be watched."""
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


def print_findings(console: Console, scenario: Scenario, shape: Shape, findings: Sequence[Finding]) -> None:
    """Which target held and which did not."""
    table = Table(title=f"{scenario}, {shape}", title_justify="left", box=box.SIMPLE, pad_edge=False)
    for place, name in enumerate(("target", "limit", "measured", "")):
        table.add_column(name, justify="left" if place in (0, 3) else "right")
    for finding in findings:
        sign = "≥" if finding.at_least else "≤"
        if finding.figure is None:
            table.add_row(finding.name, f"{sign} {finding.limit:g}", "–", "not measured")
        else:
            verdict = "[green]held" if finding.holds else "[red]missed"
            table.add_row(finding.name, f"{sign} {finding.limit:g}", f"{finding.figure:,.5g}", verdict)
    console.print(table)


def check_host(host: str, remote: bool) -> str:
    """The base address, which must be on loopback unless `remote`.

    Raises:
        typer.BadParameter: it is not an http address, or not on loopback.
    """
    parts = urlsplit(host)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise typer.BadParameter(f"{host!r} is not an address such as http://127.0.0.1:3000")
    try:
        loopback = parts.hostname == "localhost" or ip_address(parts.hostname).is_loopback
    except ValueError:
        loopback = False
    if not (loopback or remote):
        raise typer.BadParameter(f"{parts.hostname} is not on loopback; --remote sends load there all the same")
    return host.rstrip("/")


@contextmanager
def _served(
    host: str | None, scorecard: str, release: Path | None, folder: Path
) -> Iterator[tuple[str, Server | None]]:
    """The address to send to: the one given, or that of a server started for the block."""
    if host is not None:
        yield host, None
        return
    served = find(find_release(scorecard, release))
    with (
        bento_home(served.store) as home,
        running(service_command(served, home), folder / "service.log", divide_cores().server) as server,
    ):
        yield server.host, server


def main(
    scenario: Annotated[list[Scenario] | None, typer.Option(help="Who the users are; again for more. [all]")] = None,
    shape: Annotated[Shape, typer.Option(help="How the number of users changes.")] = Shape.RAMP,
    seconds: Annotated[float, typer.Option(min=1, help="Seconds of each scenario.")] = 35.0,
    host: Annotated[str | None, typer.Option(help="A running service; else one is started and stopped.")] = None,
    remote: Annotated[bool, typer.Option("--remote", help="Allow a host that is not on loopback.")] = False,
    scorecard: ScorecardOption = "card_default",
    release: ReleaseOption = None,
    applications: ApplicationsOption = None,
    targets: Annotated[Path, typer.Option(help="The TOML file of targets.")] = TARGETS_FILE,
    results: ResultsOption = RESULTS,
) -> None:
    """Sends load to the service and exits with 1 if a target is missed, with 2 if the load cannot run."""
    console = Console()
    address = check_host(host, remote) if host is not None else None
    missed = 0
    try:
        limits = Targets.read(targets)
        chosen = [(one, limits.scenario(one)) for one in scenario or list(Scenario)]
        for _, load in chosen:
            load.target(shape)
        draw(scorecards.load(scorecard), applications)
        with _served(address, scorecard, release, results) as (base, server):
            for one, load in chosen:
                folder = results / f"{one}-{shape}"
                job = Job(one, shape, seconds, load, scorecard, applications, base, server, folder)
                findings = run_locust(job, console)
                print_findings(console, one, shape, findings)
                missed += sum(not finding.holds for finding in findings)
    except (UnknownScorecardError, TrafficError, TargetsError, ModelStoreError, ServerError, LocustError) as error:
        Console(stderr=True).print(f"load: {error}", style="red", markup=False, soft_wrap=True)
        raise typer.Exit(CANNOT_RUN) from None
    console.print(f"[red]{missed} targets missed" if missed else "[green]All targets held")
    if missed:
        raise typer.Exit(TARGET_MISSED)


if __name__ == "__main__":
    typer.run(main)
