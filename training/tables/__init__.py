"""Scorecards made from raw tables: the forms in which a scorecard takes them, and which of them is there."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

from scoring.expected import DataError
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
        """Write `<folder>/<table>.<file_format>` for every raw table."""


@dataclass(frozen=True)
class TableSet:
    """The raw tables of one scorecard, in one form, and the way from them to one row per application.

    `sql` is the folder of queries that `training.tables.build` runs; `key` is the column that identifies an
    application in their result.
    """

    name: str
    key: str
    tables: tuple[RawTable, ...]
    generate: Generate
    sql: Path


def find(scorecard_name: str) -> tuple[TableSet, ...]:
    """Return the forms in which a scorecard's raw tables may come: `TABLES` of the package of its name here.

    Sample data take the first form. Empty for a scorecard whose rows come as they are.
    """
    name = f"{__name__}.{scorecard_name}"
    spec = importlib.util.find_spec(name)
    if spec is None or spec.submodule_search_locations is None:
        return ()
    found = importlib.import_module(name).TABLES
    assert all(isinstance(form, TableSet) for form in found)
    return tuple(found)


def pick(forms: Sequence[TableSet], raw: Path) -> TableSet:
    """Return the one form whose raw tables lie in the folder `raw`, as `<table>.parquet`.

    Raises DataError where no form is there whole, or more than one.
    """
    there = {path.stem for path in raw.glob("*.parquet")}
    whole = [form for form in forms if there.issuperset(table.name for table in form.tables)]
    if len(whole) == 1:
        return whole[0]
    wanted = "; or ".join(", ".join(table.name for table in form.tables) for form in forms)
    raise DataError(
        f"{raw}: holds {', '.join(sorted(there)) or 'no raw table'}; {forms[0].name} is made "
        f"from {wanted}{', not from both' if whole else ''}"
    )
