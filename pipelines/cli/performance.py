"""How decisions turned out."""

from __future__ import annotations

from typing import Annotated

import typer

from pipelines.cli.console import print_line, print_warning, steps
from pipelines.cli.journal_options import JournalFolder, journal_folder
from pipelines.cli.options import ProfileName, Pushgateway, ScorecardName, day, workspace_of
from pipelines.cli.tables import AsJson, print_json, print_table
from pipelines.params import read_params
from pipelines.watch.performance import STEPS
from pipelines.watch.performance import performance as run
from scoring.scorecards import load
from training.errors import StageError
from training.monitoring.performance import Judgement


def performance(
    scorecard: ScorecardName,
    journal: JournalFolder = None,
    since: Annotated[str | None, typer.Option(parser=day, metavar="DATE", help="The first day, UTC.")] = None,
    until: Annotated[str | None, typer.Option(parser=day, metavar="DATE", help="The day before which.")] = None,
    profile: ProfileName = None,
    pushgateway: Pushgateway = None,
    fail: Annotated[bool, typer.Option("--fail", help="Exit code 1 if a model has decayed.")] = False,
    as_json: AsJson = False,
) -> None:
    """Compare decisions with their outcomes, and say whether a model has decayed."""
    workspace = workspace_of(scorecard, profile)
    with steps(STEPS) as advance:
        result = run(
            load(scorecard),
            workspace,
            read_params(),
            journal_folder(scorecard, journal),
            since=since,
            until=until,
            pushgateway=pushgateway,
            advance=advance,
        )
    if as_json:
        print_json(result)
    else:
        heads = ["model", "decisions", "outcomes", "AUC, promised", "defaults, expected", "verdict"]
        print_table(f"{scorecard}: how decisions turned out", heads, map(_cells, result.models))
    for item in result.models:
        if item.tested is None:
            print_line("performance", f"{item.model} is no longer in the model store: its test figures are not known")
        for flag in item.flags:
            print_warning("decay", f"{item.model}: {flag}")
    print_line("performance", f"verdict: {result.verdict}: {workspace.monitoring / 'performance.html'}")
    if fail and result.verdict == "decay":
        raise StageError(f"a model of {scorecard} has decayed: {workspace.monitoring / 'performance.json'}")


def _cells(item: Judgement) -> list[str]:
    found = item.figures
    auc = found.metrics.get("auc")
    share = found.calibration[0] if found.calibration else None
    return [
        item.model,
        f"{found.decisions:,}",
        f"{found.matured:,}{', approvals only' if found.approved_only else ''}",
        f"{auc['value']:.4f}, {found.promised['auc']:.4f}" if auc else "",
        f"{share.observed:.1%}, {share.expected:.1%}" if share else "",
        item.verdict,
    ]
