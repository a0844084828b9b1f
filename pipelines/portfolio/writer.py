"""Tables that grow batch by batch, as Parquet or CSV."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from scoring.tables.places import PARQUET


class TableWriter:
    """A table that grows batch by batch, as Parquet or CSV.

    Args:
        path: the file.
        suffix: `.parquet` or `.csv`.
        schema: its columns.
    """

    def __init__(self, path: Path, suffix: str, schema: pa.Schema) -> None:
        self._schema = schema
        self._waiting: list[pa.Table] = []
        self._parquet = suffix == PARQUET
        if self._parquet:
            repeating = [name for name in schema.names if name in REPEATING]
            encodings = {"row": "DELTA_BINARY_PACKED"}
            self._writer = pq.ParquetWriter(path, schema, use_dictionary=repeating, column_encoding=encodings)
        else:
            self._writer = pacsv.CSVWriter(path, schema)

    def write(self, table: pa.Table) -> None:
        """Add rows; they are written when there are enough for a row group."""
        self._waiting.append(table)
        if sum(len(waiting) for waiting in self._waiting) >= GROUP_ROWS:
            self._flush()

    def close(self, facts: Mapping[str, str]) -> None:
        """Finish the file; a Parquet file keeps the facts in its metadata, a CSV file has no place for them."""
        self._flush()
        if self._parquet:
            self._writer.add_key_value_metadata(dict(facts))
        self._writer.close()

    def _flush(self) -> None:
        table = pa.concat_tables([self._schema.empty_table(), *self._waiting])
        self._waiting.clear()
        if table.num_rows:
            self._writer.write_table(table)


GROUP_ROWS = 1 << 19
"""Rows of an output row group, but for the last batch that goes into it."""

REPEATING = frozenset({"points", "band", "decision", "field", "rule", "message"})
"""Output columns of few different values."""
