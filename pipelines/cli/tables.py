"""Tables of commands, and the same as JSON."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import typer
from pydantic import BaseModel, TypeAdapter
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from pipelines.cli.console import console

AsJson = Annotated[
    bool, typer.Option("--json", help="Write what is found to standard output as JSON, instead of a table.")
]
NARROWEST = 24
"""Characters of a line below which a column of sentences is not read any more."""


@dataclass(frozen=True)
class Column:
    """A column of a table."""

    head: str
    is_number: bool = False
    has_sentences: bool = False
    """Whether its cells may go over several lines."""


Head = str | Column
Cell = str | Text


def print_table(title: str, heads: Sequence[Head], rows: Iterable[Sequence[Cell]]) -> None:
    """Print rows under heads, or one below the other where the window is too narrow for them to stand side by side.

    Args:
        title: what the table shows.
        heads: of the columns; the first one names a row.
        rows: a cell for each column, as it is: without markup.
    """
    columns = [head if isinstance(head, Column) else Column(head) for head in heads]
    cells = [[cell if isinstance(cell, Text) else Text(cell) for cell in row] for row in rows]
    table = _side_by_side(title, columns, cells)
    if table is None:
        console.print(Text(title, style="italic"), soft_wrap=True)
        table = _one_below_the_other(columns, cells)
    console.print(table)


def print_json(found: BaseModel | Mapping[str, Any] | Sequence[Any]) -> None:
    """Write what a command has found to standard output."""
    content = TypeAdapter(Any).dump_json(found, indent=2)
    typer.echo(content.decode())


def _side_by_side(title: str, columns: Sequence[Column], rows: Sequence[Sequence[Text]]) -> Table | None:
    """Return the usual table, None where the window has not room enough for it."""
    widths = [max([len(column.head), *(row[place].cell_len for row in rows)]) for place, column in enumerate(columns)]
    # A border and a blank on each side.
    room = console.width - 3 * len(columns) - 1
    least = sum(
        min(width, NARROWEST) if column.has_sentences else width for column, width in zip(columns, widths, strict=True)
    )
    if least > room:
        return None
    table = Table(title=escape(title), title_justify="left")
    for column in columns:
        table.add_column(column.head, justify="right" if column.is_number else "left", no_wrap=not column.has_sentences)
    for row in rows:
        table.add_row(*row)
    return table


def _one_below_the_other(columns: Sequence[Column], rows: Sequence[Sequence[Text]]) -> Table:
    """Return each row as a block of lines: the head, then the cell; empty cells are left out."""
    table = Table.grid(padding=(0, 2))
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for row in rows:
        for place, (column, cell) in enumerate(zip(columns, row, strict=True)):
            if place == 0:
                table.add_row(Text(column.head, style="bold"), cell)
            elif cell.plain:
                table.add_row(f"  {column.head}", cell)
    return table
