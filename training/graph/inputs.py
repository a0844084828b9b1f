"""From a table of rows to the arrays that a graph reads."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np
import pandas as pd

from scoring.graph import Inputs


def graph_inputs(frame: pd.DataFrame, columns: Sequence[str], text_columns: Collection[str]) -> Inputs:
    """Return these columns of a table as a graph reads them.

    Args:
        frame: one row per application; other columns are ignored.
        columns: what the graph reads, in its order; numbers and text keep their order apart.
        text_columns: names of columns that hold text; those not in `columns` are ignored.

    Returns:
        Numbers as [rows, columns of numbers] float32, NaN where missing; text as [rows, text columns],
        empty where missing, or None if no text is read.
    """
    texts = [column for column in columns if column in text_columns]
    numeric = frame[[column for column in columns if column not in text_columns]].to_numpy(dtype=np.float32)
    return Inputs(numeric, frame[texts].fillna("").to_numpy(dtype=object) if texts else None)
