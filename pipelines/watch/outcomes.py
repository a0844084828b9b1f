"""Matured outcomes from a file into the store next to the journal."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path, PurePosixPath
from typing import Any, Literal, TypeAlias

import numpy as np
from pydantic import ValidationError

from scoring.application import FieldRule
from scoring.disk import writing
from scoring.errors import FieldError, field_errors
from scoring.expected import DataError
from scoring.files import file_aside
from scoring.outcomes.contract import DecisionOutcome
from scoring.outcomes.store import Outcome, Outcomes, OutcomeStatus
from scoring.tables.batches import TableBatch
from scoring.tables.columns import UnfitColumnError, read_column
from scoring.tables.header import Expected
from scoring.tables.names import match_columns
from scoring.tables.places import place
from scoring.tables.table_file import TableFile, open_table

LABEL = "defaulted"
LABEL_RULE = FieldRule(LABEL, LABEL, "integer", required=True, minimum=0, maximum=1)
REQUIRED = ("decision_id", LABEL)
OBSERVED_ON = "observed_on"
REJECT_COLUMNS = ("row", *REQUIRED, OBSERVED_ON, "result", "why")

Result: TypeAlias = OutcomeStatus | Literal["broken"]
"""The status of a row; broken: it is no outcome, and cannot be kept."""

WHY: dict[OutcomeStatus, str] = {
    "conflicting": "another label of this decision is recorded, and stays in force",
    "unknown": "the journal has no such decision; it is kept until the decision appears",
    "early": "it was observed more than a day before the decision was made",
}
"""Fates of the outcomes that were not recorded."""


@dataclass
class ImportSummary:
    """The statuses of the rows of a file."""

    results: Counter[Result] = field(default_factory=Counter)
    adopted: Counter[OutcomeStatus] = field(default_factory=Counter)
    """The statuses of outcomes that had waited for their decisions."""

    @property
    def in_force(self) -> int:
        """Rows whose label is in force; of a file without rows, outcomes that had waited and now are."""
        found = self.results or self.adopted
        return found["recorded"] + found["repeated"]

    @property
    def not_recorded(self) -> int:
        """Rows whose label is not in force."""
        return sum(count for result, count in self.results.items() if result not in ("recorded", "repeated"))


def find(address: str, observed_on: date | None) -> TableFile:
    """Find the file at an address.

    Raises:
        DataError: there is none, it is of another kind or damaged, or lacks columns.
    """
    known = {name: name for name in (*REQUIRED, OBSERVED_ON)}
    file = open_table(place(address), Expected("outcomes", known))
    names = file.schema.names
    if doubled := match_columns(names, known).doubled:
        raise DataError(f"{file.shown}: {doubled[0].field}: {doubled[0].message}")
    if missing := [name for name in REQUIRED if name not in names]:
        raise DataError(f"{file.shown} has no column {', '.join(missing)}")
    if OBSERVED_ON not in names and observed_on is None:
        raise DataError(f"{file.shown} has no column {OBSERVED_ON}; name the date with --observed-on")
    return file


def import_outcomes(
    journal: Path,
    source: TableFile,
    observed_on: date | None,
    rejects: Path | None,
    advance: Callable[[int], None],
) -> ImportSummary:
    """Record the outcomes of a file, batch by batch, after those that waited for their decisions.

    A file that breaks off has its rows before that recorded; taken in again, they are repetitions.

    Args:
        journal: its folder.
        source: the file.
        observed_on: of rows without a date of their own.
        rejects: where the rows that were not recorded go, as CSV; whole, or not there.
        advance: told of rows that are done.

    Raises:
        DataError: the file cannot be read.
        JournalError: there is no journal, or it cannot be read.
        StageError: outcomes cannot be written.
        CannotWriteError: rejects cannot be written.
    """
    store = Outcomes(journal)
    summary = ImportSummary(adopted=store.adopt())
    name = PurePosixPath(source.address).name
    columns = [column for column in (*REQUIRED, OBSERVED_ON) if column in source.schema.names]
    start = 0
    with _rejects(rejects) as reject:
        for batch in source.read(columns):
            broken: dict[int, tuple[dict[str, Any], str]] = {
                error.index: ({}, _said(error.errors)) for error in batch.unreadable
            }
            good: dict[int, Outcome] = {}
            labels = _labels(batch)
            for position, cells, (label, wrong) in zip(
                batch.positions.tolist(), batch.table.to_pylist(), labels, strict=True
            ):
                given = {
                    column: value.strip() if isinstance(value, str) else value
                    for column, value in cells.items()
                    if value is not None
                }
                if observed_on is not None:
                    given = {OBSERVED_ON: observed_on, **given}
                errors = list(wrong)
                try:
                    row = DecisionOutcome.model_validate({**given, LABEL: label}, strict=False)
                except ValidationError as error:
                    errors += field_errors(error)
                if errors:
                    broken[position] = (given, _said(errors))
                else:
                    good[position] = row.from_source(name)
            statuses = dict(zip(good, store.record(list(good.values())), strict=True))
            summary.results.update(statuses.values())
            if broken:
                summary.results["broken"] += len(broken)
            for position in range(batch.rows):
                if position in broken:
                    cells, why = broken[position]
                    reject(start + position, cells, "broken", why)
                elif (status := statuses[position]) in WHY:
                    outcome = good[position]
                    cells = {column: getattr(outcome, column) for column in (*REQUIRED, OBSERVED_ON)}
                    reject(start + position, cells, status, WHY[status])
            start += batch.rows
            advance(batch.rows)
    return summary


def _labels(batch: TableBatch) -> list[tuple[int, list[FieldError]]]:
    """Return each row's label and what is wrong with it; 0 where something is.

    Raises:
        DataError: the column holds values of a type that no label has.
    """
    try:
        read = read_column(
            LABEL, batch.table.column(LABEL), LABEL_RULE, optional=False, as_text=batch.as_text, booleans=True
        )
    except UnfitColumnError as error:
        raise DataError(f"{batch.shown}: {error}") from None
    good = read.passed
    labels = np.where(good, read.values, 0).astype(np.int64).tolist()
    wrong = [read.broken_rule(row) for row in range(len(labels))]
    return [(label, [] if error is None else [error]) for label, error in zip(labels, wrong, strict=True)]


def _said(errors: list[FieldError]) -> str:
    return "; ".join(f"{error.field}: {error.message}" for error in errors)


Reject: TypeAlias = Callable[[int, dict[str, Any], Result, str], None]


@contextmanager
def _rejects(path: Path | None) -> Iterator[Reject]:
    """Collect rows for a CSV file, which appears when all is done."""
    if path is None:
        yield lambda row, cells, result, why: None
        return
    with file_aside(path) as aside:
        with aside.file.open("w", newline="") as file:
            writer = csv.DictWriter(file, REJECT_COLUMNS)

            def reject(row: int, cells: dict[str, Any], result: Result, why: str) -> None:
                with writing(path):
                    writer.writerow({"row": row, **cells, "result": result, "why": why})

            with writing(path):
                writer.writeheader()
            yield reject
            with writing(path):
                file.flush()
        aside.publish()
