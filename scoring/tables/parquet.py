"""Parquet files, batch by batch; no file is ever in memory as a whole."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from scoring.tables.batches import TableBatch, reading
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


def read_parquet(file: Place, columns: list[str], row_groups: list[int]) -> Iterator[TableBatch]:
    """Read some row groups of a Parquet file.

    Raises:
        DataError: it cannot be read.
    """
    with reading(file), parquet_file(file) as source:
        for batch in source.iter_batches(ROWS, row_groups=row_groups, columns=columns):
            yield TableBatch(pa.Table.from_batches([batch]), batch.num_rows, np.arange(batch.num_rows), file.shown)
