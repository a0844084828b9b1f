"""Tables of checks."""

from __future__ import annotations

from collections.abc import Mapping

from rich.markup import escape
from rich.table import Table

from pipelines.cli.console import console
from training.evaluation.checks import Check

WIDE = 140
"""Columns of a window that has room for the meaning of each check."""


def print_checks(title: str, checks: Mapping[str, Check]) -> None:
    """Print one line per check; its meaning, which the file has too, in a wide window only."""
    wide = console.width >= WIDE
    table = Table(title=title, title_justify="left")
    for head in ("gate", *(["what"] if wide else []), "value", "limit", "verdict"):
        table.add_column(head, no_wrap=head != "what")
    for name, check in checks.items():
        verdict = "[green]holds[/]" if check.holds else "[bold red]FAILS[/]"
        what = [escape(check.what)] if wide else []
        table.add_row(escape(name), *what, f"{check.value:.5g}", f"{check.rule} {check.limit:.5g}", verdict)
    console.print(table)
