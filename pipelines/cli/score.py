"""Scoring of whole portfolios."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from pipelines.cli.console import print_line, rows_done
from pipelines.cli.options import ScorecardName
from pipelines.portfolio import inputs, run
from pipelines.workspace import RELEASES
from scoring import models
from scoring.frames import thin_frame
from scoring.history.store import REDIS_SCHEMES
from scoring.policy import CutoffPolicy
from scoring.scorecards import load


def score(
    scorecard: ScorecardName,
    source: Annotated[str, typer.Argument(metavar="INPUT", help="A Parquet or CSV file, or a folder.")],
    output: Annotated[str, typer.Argument(help="Where decisions go: .parquet or .csv.")],
    rejects: Annotated[
        str | None, typer.Option(help="Where rejected rows go.", show_default="OUTPUT with .rejects before its suffix")
    ] = None,
    max_reject_share: Annotated[
        float,
        typer.Option(min=0, max=1, help="Share of rows; beyond it there is no output."),
    ] = 0.05,
    history: Annotated[
        str | None,
        typer.Option(
            envvar="SCOREBOX_HISTORY",
            help="The history of a scorecard that has one: a file or a redis:// address.",
            show_default="releases/SCORECARD.history.sqlite",
        ),
    ] = None,
    engine: Annotated[Literal["local", "ray"], typer.Option(help="This process, or Ray, at RAY_ADDRESS.")] = "local",
) -> None:
    """Score a whole portfolio with the release's model."""
    card = load(scorecard)
    release = models.Release.read(RELEASES / f"{scorecard}.json")
    model = models.load(release.tags[release.serving])
    policy = CutoffPolicy.in_force(card, RELEASES / f"{scorecard}.policy.json")
    portfolio = inputs.find(card, thin_frame(card, model.graph.columns), source)
    address = None
    if card.history:
        address = history or str(RELEASES / f"{scorecard}.history.sqlite")
        if not address.startswith(REDIS_SCHEMES):
            address = str(Path(address).absolute())
    to = run.targets(portfolio, output, rejects)
    for note in portfolio.notes:
        print_line("score", note)
    with rows_done(portfolio.rows, "score") as advance:
        summary = run.score(
            card,
            model,
            policy,
            portfolio,
            to,
            most_rejected=max_reject_share,
            engine=engine,
            advance=advance,
            history=address,
        )
    speed = summary.rows / summary.seconds
    files = f" of {len(portfolio.files):,} files" if portfolio.folder is not None else ""
    took = f"{summary.seconds:,.1f} s, {speed:,.0f} rows/s"
    print_line("score", f"{model.record.tag}, {policy.id}: {summary.rows:,} rows{files} in {took}")
    print_line("score", f"{summary.declined / summary.scored:.1%} of {summary.scored:,} declined: {summary.output}")
    print_line("score", f"{summary.rejected:,} rejected: {summary.rejects}")
