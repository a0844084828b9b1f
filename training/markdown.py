"""Tables in Markdown."""

from __future__ import annotations

from collections.abc import Sequence

from tabulate import tabulate


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a Markdown table with a line break at its end; cells stay as they are, padded to the column's width."""
    text: str = tabulate(rows, headers=head, tablefmt="github", disable_numparse=True)
    return text + "\n"
