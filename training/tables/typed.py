"""Arrow tables in the types of a contract, as pandas has them, where no value would change."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from scoring.application import FieldRule, Kind
from scoring.expected import DataError
from scoring.tables.columns import UnfitColumnError, plain_values
from scoring.tables.names import match_columns
from scoring.tables.numbers import written_numbers
from scoring.tables.texts import decoded


def typed_frame(table: pa.Table, rules: Mapping[str, FieldRule], booleans: Collection[str] = ()) -> pd.DataFrame:
    """Return the same rows with texts as str, numbers as float64, and whole ones that are required as int64.

    A column whose values are no numbers, or no texts, stays as it is, and so does one without a rule.

    Args:
        table: rows of any types.
        rules: by column.
        booleans: the columns in which true and false stand for 1 and 0.

    Raises:
        DataError: a column is there twice.
    """
    names = table.column_names
    if doubled := match_columns(names, {name: name for name in names}).doubled:
        raise DataError(f"{doubled[0].field}: {doubled[0].message}")
    return pd.DataFrame(
        {
            name: _typed(name, column, rules.get(name), booleans=name in booleans)
            for name, column in zip(names, table.columns, strict=True)
        }
    )


def _typed(name: str, column: pa.ChunkedArray, rule: FieldRule | None, *, booleans: bool) -> Any:
    if rule is None:
        return decoded(column).to_pandas()
    whole = rule.kind == "integer" and rule.required
    if whole and not column.null_count and pa.types.is_integer(column.type) and column.type != pa.uint64():
        return column.cast(pa.int64()).to_numpy()
    try:
        values = plain_values(name, column, rule, booleans=booleans)
    except UnfitColumnError:
        return decoded(column).to_pandas()
    return values.astype(np.int64) if whole and _all_whole(values) else values


def _all_whole(values: NDArray[np.float64]) -> bool:
    """Return whether all values are there, and whole numbers that int64 holds."""
    return bool(((np.floor(values) == values) & (np.abs(values) < 2.0**63)).all())


def broken_type(values: pd.Series, kind: Kind, texts: str = "text") -> tuple[str, list[int]] | None:
    """Return the rule that a column of the wrong type breaks, and the rows that break it.

    Args:
        values: the column, as `typed_frame` returns it.
        kind: what it should hold.
        texts: the rule's name where that is texts.

    Returns:
        None where values are only missing.
    """
    present = values.notna().to_numpy()
    if kind == "text":
        return texts, _rows(present & np.array([not isinstance(value, str) for value in values], dtype=bool))
    if pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values):
        rows = _rows(present & (values % 1 != 0).to_numpy())
        return ("whole numbers", rows) if rows else None
    texts_only = [value if isinstance(value, str) else None for value in values]
    wrong = present & np.array([text is None for text in texts_only], dtype=bool)
    # A CSV file's column is text as soon as one of its cells is no number.
    _, no_number = written_numbers(pa.chunked_array([pa.array(texts_only, pa.string())]))
    if no_number is not None:
        wrong |= no_number
    rows = _rows(wrong if wrong.any() else present)
    return f"numbers, not {_described(values.iloc[rows[0]])}", rows


def _described(value: object) -> str:
    if isinstance(value, bool | np.bool_):
        return "booleans"
    return "text" if isinstance(value, str) else type(value).__name__


def _rows(wrong: NDArray[np.bool_]) -> list[int]:
    return [int(row) for row in np.flatnonzero(wrong)]
