"""Scorecards made from several raw tables: what one offers, and where to find it."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

from training.tables.table import RawTable

TableFormat = Literal["parquet", "csv"]
Tell = Callable[[str, int], None]


class Generate(Protocol):
    """Writes sample data: one file per raw table, the same bytes for the same arguments.

    `tell` receives the name of what is being made and how many more applications are done.
    """

    def __call__(
        self, folder: Path, applications: int, seed: int, tell: Tell, file_format: TableFormat = "parquet"
    ) -> None:
        """Writes `<folder>/<table>.<file_format>` for every raw table."""


@dataclass(frozen=True)
class TableSet:
    """The raw tables of one scorecard and the way from them to one row per application.

    `sql` is the folder of queries that `training.tables.build` runs; `key` is the column that identifies an
    application in their result.
    """

    name: str
    key: str
    tables: tuple[RawTable, ...]
    generate: Generate
    sql: Path


def find(scorecard_name: str) -> TableSet | None:
    """The raw tables of a scorecard: `TABLES` of the package of its name here; None where there is none."""
    name = f"{__name__}.{scorecard_name}"
    spec = importlib.util.find_spec(name)
    if spec is None or spec.submodule_search_locations is None:
        return None
    found = importlib.import_module(name).TABLES
    assert isinstance(found, TableSet)
    return found
