"""Scoring of whole portfolios."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TextColumn, TimeElapsedColumn
from rich.text import Text

from pipelines.cli.console import ScorecardName, app, console, say
from pipelines.workspace import RELEASES
from scoring.scorecards import load


@app.command()
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
    from pipelines.portfolio import inputs, run
    from scoring import models
    from scoring.frames import thin_frame
    from scoring.history.store import REDIS_SCHEMES
    from scoring.policy import CutoffPolicy

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
    say(
        "score",
        f"{model.record.tag}, {policy.id}: {summary.rows:,} rows in {summary.seconds:,.1f} s, {speed:,.0f} rows/s",
    )
    say("score", f"{summary.declined / summary.scored:.1%} of {summary.scored:,} declined: {summary.output}")
    say("score", f"{summary.rejected:,} rejected: {summary.rejects}")


class _Rows(ProgressColumn):
    """Rows done, of how many if that is known, and rows per second."""

    def render(self, task: Task) -> Text:
        total = "" if task.total is None else f"/{task.total:,.0f}"
        speed = task.completed / task.elapsed if task.elapsed else 0
        return Text(f"{task.completed:,.0f}{total} rows, {speed:,.0f} rows/s", no_wrap=True)


@contextmanager
def rows_done(total: int | None, what: str) -> Iterator[Callable[[int], None]]:
    """A progress bar over rows; gives what is told of each batch."""
    with Progress(
        TextColumn("{task.description}"), BarColumn(), _Rows(), TimeElapsedColumn(), console=console
    ) as progress:
        task = progress.add_task(what, total=total)
        yield lambda rows: progress.update(task, advance=rows)
