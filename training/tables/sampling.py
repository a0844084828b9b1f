"""Columns of sample data, drawn as a raw table's description says.

Texts are drawn as codes, positions in the column's choices, with -1 for none; `finish` turns them into texts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from scipy.special import ndtr

from training.tables.table import Column, RawTable

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Flags = NDArray[np.bool_]
MISSING = -1


def correlated(random: np.random.Generator, latent: Floats, correlation: float) -> Floats:
    """Return a uniform number per row whose normal score has this correlation with the standard normal `latent`.

    What is drawn by it keeps its shares and still depends on `latent` (a Gaussian copula).
    """
    noise = random.standard_normal(len(latent))
    return np.asarray(ndtr(correlation * latent + np.sqrt(1 - correlation**2) * noise), dtype=np.float64)


def code(column: Column, text: str) -> int:
    """Return the code of one choice."""
    return list(column.choices).index(text)


def pick(column: Column, uniform: Floats, among: Sequence[str] = (), without: Sequence[str] = ()) -> Integers:
    """Return codes of the column's choices in their shares; the lower the uniform number, the earlier in the list.

    `among` is the list, if not all of the column's choices in its order; `without` leaves some of them out.
    """
    names = [name for name in (among or column.choices) if name not in without]
    shares = np.cumsum([column.choices[name] for name in names])
    position = np.searchsorted(shares / shares[-1], uniform, side="right").clip(max=len(names) - 1)
    codes: Integers = np.array([code(column, name) for name in names], dtype=np.int64)[position]
    return codes


def flag(random: np.random.Generator, share: float | Floats, rows: int) -> Integers:
    """Return ones with this probability, otherwise zeros."""
    return (random.random(rows) < share).astype(np.int64)


def blank(values: NDArray[np.generic], missing: Flags) -> Floats:
    """Return the values as floats, NaN where they are missing."""
    return np.where(missing, np.nan, values.astype(np.float64))


def cents(amounts: Floats) -> Floats:
    """Return amounts to two decimals."""
    return np.round(amounts, 2)


def finish(table: RawTable, data: Mapping[str, NDArray[np.generic]], order: Integers) -> pa.Table:
    """Return the drawn columns as the raw table, its columns in their order and types, the rows in the given order."""
    return pa.table({column.name: _finished(column, data[column.name][order]) for column in table.columns})


def _finished(column: Column, values: NDArray[np.generic]) -> pa.Array:
    if column.kind == "text":
        codes = pa.array(values.astype(np.int8), mask=values == MISSING)
        return pa.DictionaryArray.from_arrays(codes, pa.array(list(column.choices)))
    if column.kind == "integer" and not column.missing:
        return pa.array(values.astype(np.int64))
    return pa.array(values.astype(np.float64), from_pandas=True)
