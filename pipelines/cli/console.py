"""What every command shares: the application, the console, progress bars, common arguments."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    DownloadColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TransferSpeedColumn,
)

from scoring.scorecards import names

app = typer.Typer(
    help="Trains credit scorecards and puts them into the model store.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
console = Console(stderr=True, highlight=False)

ScorecardName = Annotated[str, typer.Argument(metavar="SCORECARD", help=f"One of: {', '.join(names())}.")]
ProfileName = Annotated[str, typer.Option("--profile", help="How much work training does; see params.yaml.")]


def day(given: str) -> str:
    """Checks an option that is a date.

    Raises:
        BadParameter: it is none.
    """
    try:
        return date.fromisoformat(given).isoformat()
    except ValueError:
        raise typer.BadParameter("it is not a date such as 2026-10-01") from None


@contextmanager
def steps(total: int) -> Iterator[Callable[[str, int], None]]:
    """A progress bar, if there are steps; gives what a stage tells of its steps to."""
    if not total:
        yield lambda what, done: None
        return
    with Progress(
        TextColumn("{task.description:<32}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), console=console
    ) as progress:
        task = progress.add_task("", total=total)
        yield lambda what, done: progress.update(task, description=what, advance=done)


@contextmanager
def transfers() -> Iterator[Callable[[str, int, int | None], None]]:
    """A progress bar per file; gives what is told of its name, the bytes just read and the bytes in all."""
    progress = Progress(
        TextColumn("{task.description:<32}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeElapsedColumn(),
        console=console,
    )
    tasks: dict[str, TaskID] = {}

    def tell(what: str, more: int, total: int | None) -> None:
        progress.start()  # with the first file: sample data have none
        if what not in tasks:
            tasks[what] = progress.add_task(escape(what), total=total)
        progress.update(tasks[what], advance=more, total=total)

    try:
        yield tell
    finally:
        if tasks:
            progress.stop()


def say(stage: str, what: str) -> None:
    """One line of what a stage did."""
    console.print(f"[bold]{stage:<11}[/] {escape(what)}", soft_wrap=True)
