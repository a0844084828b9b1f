"""`python -m loadtests.chaos`: what may go wrong, done to real processes, and the table in docs/measured/chaos.md."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from loadtests import ROOT
from loadtests.bench_report import command_line, markdown_table
from loadtests.chaos.disk_full import disk_full, no_growth
from loadtests.chaos.ground import Ground, Outcome, Sizes
from loadtests.chaos.hostile import hostile
from loadtests.chaos.kills import kill, terminate
from loadtests.chaos.long_runs import many, overload, soak
from loadtests.chaos.outage import outage
from loadtests.client import ClientError
from loadtests.disk import disk_of
from loadtests.machine import divide_cores, facts
from loadtests.options import RESULTS, ApplicationsOption, ReleaseOption, ResultsOption, ScorecardOption, draw, origin
from loadtests.options import release_file as find_release
from loadtests.served import find
from loadtests.server import ServerError
from loadtests.traffic import TrafficError
from scoring import scorecards
from scoring.graph import GraphIntegrityError
from scoring.journal.schema import JournalError
from scoring.models import ModelStoreError
from scoring.scorecards import UnknownScorecardError

DOES_NOT_HOLD = 1
CANNOT_RUN = 2
TOO_SLOW = 3

SCENARIOS = {
    "kill": kill,
    "terminate": terminate,
    "disk": disk_full,
    "no-growth": no_growth,
    "hostile": hostile,
    "outage": outage,
    "many": many,
    "overload": overload,
    "soak": soak,
}
"""In the order in which they run."""

Name = StrEnum("Name", {name.replace("-", "_").upper(): name for name in SCENARIOS})  # type: ignore[misc]  # made from data


def main(
    only: Annotated[list[Name] | None, typer.Option(help="A scenario; again for more. [all]")] = None,
    kills: Annotated[int, typer.Option(min=1, help="Kills under load.")] = 20,
    decisions: Annotated[int, typer.Option(min=1, help="Decisions that are made and replayed.")] = 100_000,
    seconds: Annotated[
        float, typer.Option(min=0.5, help="Seconds of scenarios without a measure of their own.")
    ] = 20.0,
    soak_seconds: Annotated[float, typer.Option("--soak", min=5, help="Seconds of the soak.")] = 300.0,
    scorecard: ScorecardOption = "card_default",
    release: ReleaseOption = None,
    applications: ApplicationsOption = None,
    docs: Annotated[Path, typer.Option(help="The folder for chaos.md.")] = ROOT / "docs" / "measured",
    results: ResultsOption = RESULTS,
) -> None:
    """Do to the service what may happen to it; exit with 1 if something is wrong, with 3 if it only is too slow."""
    console = Console()
    chosen = [name.value for name in only or list(Name)]
    outcomes: dict[str, Outcome] = {}
    try:
        product = scorecards.load(scorecard)
        results.mkdir(parents=True, exist_ok=True)
        ground = Ground(
            served=find(find_release(scorecard, release)),
            scorecard=product,
            applications=draw(product, applications),
            sizes=Sizes(kills, seconds, decisions, soak_seconds),
            folder=results,
            advance=lambda share: None,
        )
        about = _about(ground, origin(scorecard, applications))
        columns = (TextColumn("{task.description:<10}"), BarColumn(), TimeElapsedColumn())
        with Progress(*columns, console=console) as progress:
            for name in chosen:
                outcomes[name] = _run(name, ground, progress, progress.add_task(name, total=1.0))
    except (
        UnknownScorecardError,
        TrafficError,
        ModelStoreError,
        GraphIntegrityError,
        JournalError,
        ServerError,
        ClientError,
    ) as error:
        Console(stderr=True).print(f"chaos: {error}", style="red", markup=False, soft_wrap=True)
        raise typer.Exit(CANNOT_RUN) from None
    docs.mkdir(parents=True, exist_ok=True)
    command = command_line("loadtests.chaos", sys.argv[1:])
    (docs / "chaos.md").write_text(markdown(list(outcomes.values()), about, command), encoding="utf-8")
    if not all(outcome.sound for outcome in outcomes.values()):
        raise typer.Exit(DOES_NOT_HOLD)
    if not all(outcome.in_time for outcome in outcomes.values()):
        raise typer.Exit(TOO_SLOW)


def _run(name: str, ground: Ground, progress: Progress, task: TaskID) -> Outcome:
    outcome = SCENARIOS[name](replace(ground, advance=lambda share: progress.update(task, completed=share)))
    progress.update(task, completed=1.0)
    colour, verdict = ("green", "holds") if outcome.holds else ("red", _verdict(outcome).upper())
    progress.console.print(f"[{colour}]{name}: {verdict}[/]", f"{outcome.seen}", highlight=False)
    return outcome


def _verdict(outcome: Outcome) -> str:
    return "holds" if outcome.holds else "too slow" if outcome.sound else "does not hold"


def _about(ground: Ground, applications: str) -> dict[str, str]:
    record = ground.served.record
    described = facts(divide_cores())
    return {
        "Date": described["Date"],
        "Processor": described["Processor"].split(";")[0],
        "System": described["System"],
        "Busy before the start": described["Busy before the start"],
        "Model": f"{ground.served.tag} ({record.family})" + (", SAMPLE DATA" if record.data.sample else ""),
        "Applications": f"{len(ground.applications)} from {applications}",
        "Journal": f"sync full, on {disk_of(ground.folder)}",
    }


def markdown(outcomes: Sequence[Outcome], about: dict[str, str], command: str) -> str:
    """Return the page."""
    held = sum(outcome.holds for outcome in outcomes)
    rows = [[one.what, one.times, one.expected, one.seen, _verdict(one)] for one in outcomes]
    parts = [
        "# Chaos\n",
        f"Made by `{command}`, on real processes over real sockets: the server as `bentoml serve` starts it, with its "
        "journal on disk, and clients that write down every decision they receive. Afterwards the journal is compared "
        "with what they have: a decision that is missing, doubled, with another PD, or out of the chain is a fault, "
        "and so is one whose PD or reasons come out with other bits when its recorded inputs are scored once more.\n",
        f"{held} of {len(outcomes)} hold.\n",
        markdown_table(["what is done", "how often", "expected", "seen", ""], rows, left=5),
        "\n",
        markdown_table(["", ""], [[name, value] for name, value in about.items()], left=2),
    ]
    return "\n".join(parts).replace("\n\n\n", "\n\n")


if __name__ == "__main__":
    typer.run(main)
