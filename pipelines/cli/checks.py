"""Tables of checks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich.text import Text

from pipelines.cli.console import console
from pipelines.cli.tables import Cell, Column, print_table
from training.evaluation.checks import Check
from training.evaluation.levels import FEW_ROWS, RareLevel, resting_on_few

WIDE = 140
"""Columns of a window that has room for the meaning of each check."""


def print_checks(title: str, checks: Mapping[str, Check]) -> None:
    """Print one line per check; its meaning, which the file has too, in a wide window only."""
    wide = console.width >= WIDE
    what = [Column("what", has_sentences=True)] if wide else []
    rows: list[list[Cell]] = []
    for name, check in checks.items():
        verdict = Text("holds", style="green") if check.holds else Text("FAILS", style="bold red")
        meaning = [check.what] if wide else []
        rows.append([name, *meaning, f"{check.value:.5g}", f"{check.rule} {check.limit:.5g}", verdict])
    print_table(title, ["gate", *what, "value", "limit", "verdict"], rows)


def print_rare_levels(levels: Sequence[RareLevel]) -> None:
    """Print one line per level of a code whose weight rests on few training rows; nothing where there is none."""
    listed = list(resting_on_few(levels))
    if listed:
        heads = ("rows", "defaults, 95 %", "mean PD", "approves")
        print_table(
            f"levels whose weight rests on fewer than {FEW_ROWS:,} training rows",
            ["column", Column("level", has_sentences=True), *(Column(head, is_number=True) for head in heads)],
            map(_level_cells, listed),
        )


def _level_cells(item: RareLevel) -> list[str]:
    share = item.default_share
    return [
        item.column,
        "missing" if item.level is None else str(item.level),
        f"{item.rows:,}",
        f"{share['low']:.0%} to {share['high']:.0%}" if share else "none known",
        f"{item.pd_change:+.3f}",
        f"{item.approved} of {item.declines}",
    ]
