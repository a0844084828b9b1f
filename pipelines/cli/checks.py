"""Tables of checks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich.markup import escape
from rich.table import Table

from pipelines.cli.console import console
from training.evaluation.checks import Check
from training.evaluation.levels import FEW_ROWS, RareLevel, resting_on_few

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


def print_rare_levels(levels: Sequence[RareLevel]) -> None:
    """Print one line per level of a code whose weight rests on few training rows; nothing where there is none."""
    listed = list(resting_on_few(levels))
    if not listed:
        return
    table = Table(title=f"levels whose weight rests on fewer than {FEW_ROWS:,} training rows", title_justify="left")
    table.add_column("column")
    table.add_column("level", overflow="fold")
    for head in ("rows", "defaults, 95 %", "mean PD", "approves"):
        table.add_column(head, no_wrap=True, justify="right")
    for item in listed:
        share = item.default_share
        table.add_row(
            escape(item.column),
            "missing" if item.level is None else escape(str(item.level)),
            f"{item.rows:,}",
            f"{share['low']:.0%} to {share['high']:.0%}" if share else "none known",
            f"{item.pd_change:+.3f}",
            f"{item.approved} of {item.declines}",
        )
    console.print(table)
