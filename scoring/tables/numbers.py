"""Numbers in columns of text, as a CSV file has them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from scoring.errors import FieldError, RowError
from scoring.tables.batches import TableBatch

PARSING = {
    pa.int64(): ("int_parsing", "Input should be a valid integer, unable to parse string as an integer"),
    pa.float64(): ("float_parsing", "Input should be a valid number, unable to parse string as a number"),
}
"""Rules of pydantic for a text that is no number."""


def with_numbers(batch: TableBatch, columns: Mapping[str, pa.DataType]) -> TableBatch:
    """Return the batch with its texts as numbers where numbers should be, and the cells that are none.

    Args:
        batch: its columns are text.
        columns: what each of them holds: text, int64 or float64.
    """
    table = batch.table
    failed: dict[int, list[FieldError]] = {}
    for place, (name, kind) in enumerate(columns.items()):
        if kind == pa.string():
            continue
        column = table.column(name)
        try:
            numbers = column.cast(kind)
        except pa.ArrowInvalid:
            column = pc.utf8_trim_whitespace(column)
            wrong = np.array([not _is(cell, kind) for cell in column])
            numbers = pc.if_else(pa.array(wrong), None, column).cast(kind)
            rule, message = PARSING[kind]
            for row in np.flatnonzero(wrong).tolist():
                failed.setdefault(row, []).append(FieldError(field=name, rule=rule, message=message))
        table = table.set_column(place, name, numbers)
    errors = [RowError(index=int(batch.positions[row]), errors=errors) for row, errors in failed.items()]
    unreadable = sorted(batch.unreadable + errors, key=lambda error: error.index)
    return replace(batch, table=table, as_text=False, unreadable=unreadable)


def _is(cell: pa.Scalar, kind: pa.DataType) -> bool:
    try:
        cell.cast(kind)
    except pa.ArrowInvalid:
        return False
    return True
