"""Parquet files, batch by batch; no file is ever in memory as a whole."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from scoring.tables.batches import TableBatch
from scoring.tables.places import Place

ROWS = 1 << 16
"""Rows of a batch: few enough for the processor's caches, and the cost of a call is spread over many."""
PAGES = 1 << 20
"""Bytes of each column that are read at a time, so that memory does not grow with a file's row groups."""


def parquet_file(file: Place) -> pq.ParquetFile:
    """Open the file and read its footer."""
    local = file.local
    if local is not None:
        return pq.ParquetFile(local, pre_buffer=False, buffer_size=PAGES)
    # Over the network few large reads are cheaper than many small ones.
    return pq.ParquetFile(file.open(), pre_buffer=True)


def read_parquet(file: Place, columns: Mapping[str, str], row_groups: Sequence[int]) -> Iterator[TableBatch]:
    """Read some row groups of a Parquet file.

    Args:
        file: the file.
        columns: the file's own name of each column, by the name that it gets.
        row_groups: numbers of the row groups.

    Raises:
        pa.ArrowException: it is no whole Parquet file.
    """
    given = list(columns.values())
    with parquet_file(file) as source:
        for batch in source.iter_batches(ROWS, row_groups=list(row_groups), columns=given):
            table = pa.Table.from_batches([batch]).select(given).rename_columns(list(columns))
            yield TableBatch(table, batch.num_rows, np.arange(batch.num_rows), file.shown)
