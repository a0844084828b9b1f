"""`python -m loadtests.run`: load from Locust's users against the service, held to the targets."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import ip_address
from itertools import product
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

import typer
from rich import box
from rich.console import Console
from rich.table import Table

from loadtests.bench_report import command_line
from loadtests.curves import Scenario, Shape
from loadtests.faced import FacedError, ask
from loadtests.load_report import PAGE, Run, markdown
from loadtests.locust_process import Job, LocustError, run_locust
from loadtests.machine import busy_share, divide_cores, facts
from loadtests.options import RESULTS, ApplicationsOption, ReleaseOption, ResultsOption, draw, origin
from loadtests.options import release_file as find_release
from loadtests.served import bento_home, find, fresh_journal, service_command
from loadtests.server import Server, ServerError, running
from loadtests.targets import TARGETS_FILE, Targets, TargetsError
from loadtests.traffic import TrafficError
from scoring import scorecards
from scoring.graph import GraphIntegrityError
from scoring.models import ModelStoreError
from scoring.scorecard import Scorecard
from scoring.scorecards import UnknownScorecardError

TARGET_MISSED = 1
CANNOT_RUN = 2
DEFAULT = "card_default"
"""The scorecard that is served where none is named."""
BUSY = 0.2
"""Share of all cores in use before the start from which the figures deserve a warning."""


def print_findings(console: Console, run: Run) -> None:
    """Print which target held and which did not."""
    table = Table(title=f"{run.scenario}, {run.shape}", title_justify="left", box=box.SIMPLE, pad_edge=False)
    for place, name in enumerate(("target", "limit", "measured", "")):
        table.add_column(name, justify="left" if place in (0, 3) else "right")
    for finding in run.findings:
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


def choose_scorecard(host: str | None, wanted: str | None) -> Scorecard:
    """Return the scorecard of a running service, or the one that is to be served.

    Raises:
        FacedError: the service does not say its scorecard, or serves another one than is wanted.
        UnknownScorecardError: there is no such scorecard.
    """
    if host is None:
        return scorecards.load(wanted or DEFAULT)
    served = ask(host).scorecard
    if wanted not in (None, served.name):
        raise FacedError(f"{host} serves {served.name}, not {wanted}")
    return served


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
    shape: Annotated[
        list[Shape] | None, typer.Option(help="How the number of users changes; again for more. [ramp]")
    ] = None,
    seconds: Annotated[float, typer.Option(min=1, help="Seconds of each scenario.")] = 35.0,
    host: Annotated[str | None, typer.Option(help="A running service; else one is started and stopped.")] = None,
    remote: Annotated[bool, typer.Option("--remote", help="Allow a host that is not on loopback.")] = False,
    scorecard: Annotated[
        str | None,
        typer.Option(
            envvar="SCOREBOX_SCORECARD", help="The scorecard to serve; a running service's must be the same. [its own]"
        ),
    ] = None,
    release: ReleaseOption = None,
    applications: ApplicationsOption = None,
    targets: Annotated[Path, typer.Option(help="The TOML file of targets.")] = TARGETS_FILE,
    docs: Annotated[
        Path | None,
        typer.Option(help=f"Write the figures into this folder's {PAGE}; docs/measured has the present one."),
    ] = None,
    results: ResultsOption = RESULTS,
) -> None:
    """Send load to the service; exit with 1 if a target is missed, with 2 if the load cannot run."""
    console = Console()
    address = check_host(host, remote) if host is not None else None
    runs: list[Run] = []
    try:
        limits = Targets.read(targets)
        card = choose_scorecard(address, scorecard)
        chosen = [(one, limits.scenario(one, card.name)) for one in scenario or list(Scenario)]
        shapes = shape or [Shape.RAMP]
        for _, load in chosen:
            for curve in shapes:
                load.target(curve)
        drawn = draw(card, applications)
        if (busy := busy_share()) > BUSY:
            console.print(f"[yellow]The machine is {busy:.0%} busy already: figures will be worse than on a quiet one")
        about = facts(divide_cores())
        with _served(address, card.name, release, results) as (base, server):
            about["Model"] = ask(base).model
            for (one, load), curve in product(chosen, shapes):
                folder = results / f"{one}-{curve}"
                job = Job(one, curve, seconds, load, applications, base, server, folder)
                runs.append(Run(one, curve, run_locust(job, console)))
                print_findings(console, runs[-1])
    except (
        UnknownScorecardError,
        FacedError,
        TrafficError,
        TargetsError,
        ModelStoreError,
        GraphIntegrityError,
        ServerError,
        LocustError,
    ) as error:
        Console(stderr=True).print(f"load: {error}", style="red", markup=False, soft_wrap=True)
        raise typer.Exit(CANNOT_RUN) from None
    if docs is not None:
        about["Applications"] = f"{len(drawn)} from {origin(card.name, applications)}"
        method = f"Made by `{command_line('loadtests.run', sys.argv[1:])}`, {seconds:g} seconds for each line."
        docs.mkdir(parents=True, exist_ok=True)
        (docs / PAGE).write_text(markdown(runs, about, method), encoding="utf-8")
    missed = sum(not finding.holds for run in runs for finding in run.findings)
    console.print(f"[red]{missed} targets missed" if missed else "[green]All targets held")
    if missed:
        raise typer.Exit(TARGET_MISSED)


if __name__ == "__main__":
    typer.run(main)
