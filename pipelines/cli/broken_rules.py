"""The rules of a data contract that are broken, as a table."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from pipelines.cli.tables import Column, print_json, print_table
from pipelines.stages.prepare import ContractViolatedError


@contextmanager
def broken_rules(scorecard: str, *, as_json: bool) -> Iterator[None]:
    """Print the rules of a data contract that are broken: a table, or the whole verdict as JSON."""
    try:
        yield
    except ContractViolatedError as error:
        if as_json:
            print_json(error.report)
        else:
            print_table(
                f"{scorecard}: broken rules",
                [Column("rule", has_sentences=True), Column("column", has_sentences=True), "count", "first rows"],
                [
                    (item.rule, item.column, str(item.count), ", ".join(map(str, item.first_rows)))
                    for item in error.report.violations
                ],
            )
        raise
