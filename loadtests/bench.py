"""`python -m loadtests.bench`: the service and its peers side by side, written to docs/measured/bench.md."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from loadtests import ROOT
from loadtests.bar import Sides, verdicts
from loadtests.bench_report import command_line, print_summary, write_report
from loadtests.client import ClientError
from loadtests.compare import Lengths, NotComparableError, run
from loadtests.contenders import EVERY_REASON, FASTAPI, JOURNAL_OFF, SERVICE
from loadtests.machine import divide_cores
from loadtests.options import RESULTS, ApplicationsOption, ReleaseOption, ResultsOption, ScorecardOption, draw, origin
from loadtests.options import release_file as find_release
from loadtests.reason_costs import reason_costs
from loadtests.served import find
from loadtests.server import ServerError
from loadtests.traffic import TrafficError
from scoring import scorecards
from scoring.graph import GraphIntegrityError
from scoring.models import ModelStoreError
from scoring.policy import PolicyError
from scoring.scorecards import UnknownScorecardError

FALLS_SHORT = 1
CANNOT_RUN = 2


def main(
    scorecard: ScorecardOption = "card_default",
    release: ReleaseOption = None,
    applications: ApplicationsOption = None,
    rounds: Annotated[int, typer.Option(min=1, help="Rounds; each figure is their median.")] = 4,
    seconds: Annotated[float, typer.Option(min=0.1, help="Seconds of each measurement of single applications.")] = 3.0,
    burst: Annotated[float, typer.Option(min=0.1, help="Seconds of the burst before the lone request.")] = 8.0,
    lone: Annotated[float, typer.Option(min=0.1, help="Seconds of lone requests before and after the burst.")] = 3.0,
    batch: Annotated[float, typer.Option(min=0.1, help="Seconds of each measurement of batches.")] = 2.0,
    check: Annotated[bool, typer.Option("--check", help="Exit with 1 if the service falls short of the bar.")] = False,
    docs: Annotated[Path, typer.Option(help="The folder for bench.md and bench.png.")] = ROOT / "docs" / "measured",
    results: ResultsOption = RESULTS,
) -> None:
    """Measure this service, FastAPI and BentoML as it comes, under the same applications."""
    console = Console()
    try:
        drawn = draw(scorecards.load(scorecard), applications)
        served = find(find_release(scorecard, release))
        with console.status("Measuring the reasons"):
            reasons = reason_costs(served.release.parent, divide_cores().server)
        lengths = Lengths(rounds, seconds, burst, lone, batch)
        measured = run(served, drawn, lengths, results, console, reasons=reasons)
        measured.facts["Applications"] = f"{len(drawn)} from {origin(scorecard, applications)}"
    except (
        UnknownScorecardError,
        TrafficError,
        ModelStoreError,
        GraphIntegrityError,
        ServerError,
        ClientError,
        NotComparableError,
        PolicyError,
    ) as error:
        Console(stderr=True).print(f"bench: {error}", style="red", markup=False, soft_wrap=True)
        raise typer.Exit(CANNOT_RUN) from None
    bar = verdicts(measured, Sides(SERVICE.key, EVERY_REASON.key, JOURNAL_OFF.key, FASTAPI.key))
    (results / "bench.json").write_text(measured.model_dump_json(indent=2) + "\n")
    write_report(docs, measured, bar, command_line("loadtests.bench", sys.argv[1:]))
    print_summary(console, measured, bar)
    if check and not all(verdict.holds for verdict in bar):
        raise typer.Exit(FALLS_SHORT)


if __name__ == "__main__":
    typer.run(main)
