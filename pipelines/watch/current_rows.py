"""The applications that are compared with the training rows: from the journal or from a file, never more than fit."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC
from itertools import islice
from pathlib import Path

import numpy as np
import orjson
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from scoring.application import FieldRule
from scoring.decision import Basis
from scoring.expected import DataError
from scoring.journal.reader import JournalReader
from scoring.journal.record import FLOATS, DecisionRecord
from scoring.moment import parse_moment
from scoring.scorecard import Scorecard
from scoring.tables.batches import TableBatch, whole
from scoring.tables.columns import UnfitColumnError, plain_values
from scoring.tables.header import Expected
from scoring.tables.names import match_columns, names_of
from scoring.tables.places import place
from scoring.tables.table_file import open_table
from training.errors import StageError

MOST_ROWS = 20_000
"""Rows of a sample. The PSI that chance reaches with as many on both sides is far below any limit."""
CHUNK = 10_000
"""Records of the journal that are in memory before some are drawn."""
DRAWN = pa.schema({"application": pa.string(), "inputs": pa.binary(), "basis": pa.int64(), "pd": pa.float32()})


@dataclass(frozen=True)
class Current:
    """Applications by column, of which at most `MOST_ROWS` were drawn."""

    source: str
    frame: pd.DataFrame
    """Numbers as the graph reads them, float32, NaN where missing; texts, None where missing."""
    found: int
    """Rows from which these were drawn."""
    erased: int = 0
    """Decisions whose applications are no longer in the journal."""
    absent: tuple[str, ...] = ()
    """Columns that the file does not have; empty for the journal."""
    since: str | None = None
    until: str | None = None
    """When the first and the last of the decisions were made."""
    bases: Sequence[Basis] = ()
    """The bases of journaled decisions; empty for a file."""
    basis: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    """For each row, the place of its decision's basis."""
    pd: NDArray[np.float32] = field(default_factory=lambda: np.empty(0, dtype=np.float32))
    """For each row, the journaled PD."""
    notes: tuple[str, ...] = ()
    """Sentences about the way in which a file is read."""


def sampled(tables: Iterable[pa.Table], schema: pa.Schema, seed: int) -> tuple[pa.Table, int]:
    """Draw at most `MOST_ROWS` rows of all tables, each as likely as any other; return rows and their number.

    Every row draws a number, and those with the smallest stay.
    """
    generator = np.random.default_rng(seed)
    kept = schema.empty_table()
    draws = np.empty(0)
    found = 0
    for table in tables:
        found += table.num_rows
        kept = pa.concat_tables([kept, table])
        draws = np.append(draws, generator.random(table.num_rows))
        if len(draws) > MOST_ROWS:
            chosen = np.sort(np.argpartition(draws, MOST_ROWS)[:MOST_ROWS])
            kept, draws = kept.take(chosen), draws[chosen]
    return kept, found


def utc(moment: str | None) -> str | None:
    """Return a date or time as the journal writes it; without an offset it is UTC.

    Raises:
        StageError: it is not of ISO 8601.
    """
    if moment is None:
        return None
    try:
        parsed = parse_moment(moment)
    except ValueError:
        raise StageError(f"{moment!r} is no date or time of ISO 8601, such as 2026-01-31 or 2026-01-31T12:00") from None
    aware = parsed.replace(tzinfo=UTC) if parsed.tzinfo is None else parsed.astimezone(UTC)
    return aware.isoformat(timespec="milliseconds")


def from_journal(
    scorecard: Scorecard, columns: Sequence[str], folder: Path, since: str | None, until: str | None, seed: int
) -> Current:
    """Read the applications of journaled decisions, history as the graph read it.

    Args:
        scorecard: whose decisions they are.
        columns: to read; those of the history come from what the graph read.
        folder: of the journal.
        since: the earliest time of a decision, ISO 8601.
        until: the time before which decisions were made.
        seed: of the sample.

    Raises:
        JournalError: there is no journal, or it cannot be read.
        StageError: it is another scorecard's journal.
    """
    bases: dict[bytes, tuple[int, Basis]] = {}
    erased = 0
    first = last = None

    def tables() -> Iterator[pa.Table]:
        nonlocal erased, first, last
        records = JournalReader(folder).decisions(since=since, until=until)
        while chunk := list(islice(records, CHUNK)):
            first = first or chunk[0].decided_at
            last = chunk[-1].decided_at
            whole = [record for record in chunk if not record.erased]
            erased += len(chunk) - len(whole)
            yield pa.Table.from_pylist([_drawn(record) for record in whole], DRAWN)

    def _drawn(record: DecisionRecord) -> dict[str, object]:
        if record.basis.scorecard != scorecard.name:
            raise StageError(f"{folder} is the journal of {record.basis.scorecard}, not of {scorecard.name}")
        number, _ = bases.setdefault(record.basis_sha256, (len(bases), record.basis))
        return {
            "application": record.application,
            "inputs": record.inputs,
            "basis": number,
            "pd": record.pd,
        }

    kept, found = sampled(tables(), DRAWN, seed)
    known = [basis for _, basis in bases.values()]
    basis = kept["basis"].to_numpy()
    applications = [orjson.loads(application) for application in kept["application"].to_pylist()]
    past = [column for column in columns if column in scorecard.history]
    rules = {rule.column: rule for rule in scorecard.rules}
    values: dict[str, object] = {}
    for column in columns:
        if column not in scorecard.history:
            rule = rules[column]
            cells = [application.get(rule.column, application.get(rule.field)) for application in applications]
            values[column] = (
                pd.Series(cells, dtype=object) if rule.kind == "text" else np.array(cells, dtype=np.float32)
            )
    if past:
        rows = _history(past, known, basis, kept["inputs"].to_pylist())
        values |= dict(zip(past, rows.T, strict=True))
    return Current(
        source=str(folder),
        frame=pd.DataFrame(values, columns=list(columns)),
        found=found,
        erased=erased,
        since=first,
        until=last,
        bases=known,
        basis=basis,
        pd=kept["pd"].to_numpy(),
    )


def _history(
    past: Sequence[str], bases: Sequence[Basis], basis: NDArray[np.int64], inputs: Sequence[bytes]
) -> NDArray[np.float32]:
    """Return [rows, columns of history], NaN where a decision's graph did not read the column."""
    rows = np.full((len(inputs), len(past)), np.nan, dtype=np.float32)
    # The row holds numbers only; texts, which come last, are not in it.
    places = [
        [(place, columns.index(column)) for place, column in enumerate(past) if column in columns]
        for columns in (item.columns for item in bases)
    ]
    for row, (number, content) in enumerate(zip(basis.tolist(), inputs, strict=True)):
        if read := places[number]:
            to, come_from = zip(*read, strict=True)
            rows[row, to] = np.frombuffer(content, dtype=FLOATS)[list(come_from)]
    return rows


def from_file(scorecard: Scorecard, columns: Sequence[str], address: str, seed: int) -> Current:
    """Read the applications of a Parquet or CSV file, whatever their values; its other columns are not read.

    Raises:
        DataError: the file cannot be read or has no rows, none of the columns, or a row of another number of cells.
        StageError: it has a column of another type.
    """
    rules = {rule.column: rule for rule in scorecard.rules}
    # Of the history only its names are in the contract.
    read = [rules.get(column, FieldRule(column, column, "number", required=False)) for column in columns]
    known = names_of(read)
    file = open_table(place(address), Expected(scorecard.name, known), scorecard.dialect)
    matched = match_columns(file.schema.names, known)
    if matched.doubled:
        twice = matched.doubled[0]
        raise StageError(f"{file.shown}: {twice.field}: {twice.message}")
    schema = pa.schema([(rule.column, pa.string() if rule.kind == "text" else pa.float32()) for rule in read])
    batches = whole(file.read(list(matched.by_column.values())))
    kept, found = sampled((_table(batch, read, matched.by_column, schema) for batch in batches), schema, seed)
    if not found:
        raise DataError(f"{file.shown} holds no rows")
    return Current(
        source=file.shown,
        frame=kept.to_pandas(),
        found=found,
        absent=tuple(column for column in columns if column not in matched.by_column),
        notes=file.notes,
    )


def _table(batch: TableBatch, rules: Sequence[FieldRule], by_column: Mapping[str, str], schema: pa.Schema) -> pa.Table:
    """Return the batch in the columns of the schema; null where it does not have them.

    Raises:
        StageError: a column holds values of a type that its field never has.
    """
    arrays = []
    for rule, item in zip(rules, schema, strict=True):
        if (name := by_column.get(rule.column)) is None:
            arrays.append(pa.nulls(batch.table.num_rows, item.type))
            continue
        try:
            column = batch.table.column(name)
            values = plain_values(name, column, rule, as_text=batch.as_text, decimal=batch.decimal)
        except UnfitColumnError as error:
            raise StageError(f"{batch.shown}: {error}") from None
        if rule.kind != "text":
            with np.errstate(over="ignore"):  # a value may lie anywhere
                values = values.astype(np.float32)
        arrays.append(pa.array(values, item.type))
    return pa.table(arrays, schema=schema)
