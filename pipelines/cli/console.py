"""Write lines and progress bars of commands to standard error."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    DownloadColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TransferSpeedColumn,
)
from rich.text import Text

console = Console(stderr=True, highlight=False)


def print_line(stage: str, text: str) -> None:
    """Print one line of what a stage did."""
    console.print(f"[bold]{stage:<11}[/] {escape(text)}", soft_wrap=True)


def print_warning(kind: str, text: str) -> None:
    """Print one line that a person should look at, after a yellow word for its kind."""
    console.print(f"[bold yellow]{kind}[/] {escape(text)}", soft_wrap=True)


@contextmanager
def steps(total: int) -> Iterator[Callable[[str, int], None]]:
    """Show a progress bar if there are steps; yield a function that takes a step's name and how many are done."""
    if not total:
        yield lambda name, done: None
        return
    with Progress(
        TextColumn("{task.description:<32}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), console=console
    ) as progress:
        task = progress.add_task("", total=total)
        yield lambda name, done: progress.update(task, description=name, advance=done)


@contextmanager
def transfers() -> Iterator[Callable[[str, int, int | None], None]]:
    """Show a progress bar per file; yield a function that takes its name, bytes just read and bytes in all."""
    progress = Progress(
        TextColumn("{task.description:<32}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeElapsedColumn(),
        console=console,
    )
    tasks: dict[str, TaskID] = {}

    def advance(name: str, read: int, total: int | None) -> None:
        progress.start()  # with the first file: sample data have none
        if name not in tasks:
            tasks[name] = progress.add_task(escape(name), total=total)
        progress.update(tasks[name], advance=read, total=total)

    try:
        yield advance
    finally:
        if tasks:
            progress.stop()


class _Rows(ProgressColumn):
    """Rows done, of how many if that is known, and rows per second."""

    def render(self, task: Task) -> Text:
        total = "" if task.total is None else f"/{task.total:,.0f}"
        speed = task.completed / task.elapsed if task.elapsed else 0
        return Text(f"{task.completed:,.0f}{total} rows, {speed:,.0f} rows/s", no_wrap=True)


@contextmanager
def rows_done(total: int | None, name: str) -> Iterator[Callable[[int], None]]:
    """Show a progress bar over rows; yield a function that takes how many more are done."""
    with Progress(
        TextColumn("{task.description}"), BarColumn(), _Rows(), TimeElapsedColumn(), console=console
    ) as progress:
        task = progress.add_task(name, total=total)
        yield lambda rows: progress.update(task, advance=rows)
