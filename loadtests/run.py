"""`python -m loadtests.run`: load from Locust's users against the service, held to the targets."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

import typer
from rich import box
from rich.console import Console
from rich.table import Table

from loadtests.curves import Scenario, Shape
from loadtests.locust_process import Job, LocustError, run_locust
from loadtests.machine import busy_share, divide_cores
from loadtests.options import RESULTS, ApplicationsOption, ReleaseOption, ResultsOption, ScorecardOption, draw
from loadtests.options import release_file as find_release
from loadtests.served import bento_home, find, fresh_journal, service_command
from loadtests.server import Server, ServerError, running
from loadtests.targets import TARGETS_FILE, Finding, Targets, TargetsError
from loadtests.traffic import TrafficError
from scoring import scorecards
from scoring.graph import GraphIntegrityError
from scoring.models import ModelStoreError
from scoring.scorecards import UnknownScorecardError

TARGET_MISSED = 1
CANNOT_RUN = 2
BUSY = 0.2
"""Share of all cores in use before the start from which the figures deserve a warning."""


def print_findings(console: Console, scenario: Scenario, shape: Shape, findings: Sequence[Finding]) -> None:
    """Print which target held and which did not."""
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
    """Return the base address, which must be on loopback unless `remote`.

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
    """Yield the address to send to: the one given, or that of a server started for the block."""
    if host is not None:
        yield host, None
        return
    served = find(find_release(scorecard, release))
    with (
        bento_home(served.store) as home,
        fresh_journal(folder) as journal,
        running(service_command(served, home, journal), folder / "service.log", divide_cores().server) as server,
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
    """Send load to the service; exit with 1 if a target is missed, with 2 if the load cannot run."""
    console = Console()
    address = check_host(host, remote) if host is not None else None
    missed = 0
    try:
        limits = Targets.read(targets)
        chosen = [(one, limits.scenario(one, scorecard)) for one in scenario or list(Scenario)]
        for _, load in chosen:
            load.target(shape)
        draw(scorecards.load(scorecard), applications)
        if (busy := busy_share()) > BUSY:
            console.print(f"[yellow]The machine is {busy:.0%} busy already: figures will be worse than on a quiet one")
        with _served(address, scorecard, release, results) as (base, server):
            for one, load in chosen:
                folder = results / f"{one}-{shape}"
                job = Job(one, shape, seconds, load, scorecard, applications, base, server, folder)
                findings = run_locust(job, console)
                print_findings(console, one, shape, findings)
                missed += sum(not finding.holds for finding in findings)
    except (
        UnknownScorecardError,
        TrafficError,
        TargetsError,
        ModelStoreError,
        GraphIntegrityError,
        ServerError,
        LocustError,
    ) as error:
        Console(stderr=True).print(f"load: {error}", style="red", markup=False, soft_wrap=True)
        raise typer.Exit(CANNOT_RUN) from None
    console.print(f"[red]{missed} targets missed" if missed else "[green]All targets held")
    if missed:
        raise typer.Exit(TARGET_MISSED)


if __name__ == "__main__":
    typer.run(main)
