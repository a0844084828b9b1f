"""Tables as Parquet files that know which data they are made of."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Mapping
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from scoring.expected import DataError
from scoring.files import write_atomically
from scoring.models import DataKind, DataRecord

KIND_KEY = b"scorebox.data"
SAMPLE_KEY = b"scorebox.sample"
SNAPSHOT_KEY = b"scorebox.snapshot"


def write_parquet(path: Path, frame: pd.DataFrame, metadata: Mapping[bytes, bytes]) -> str:
    """Write the rows as Parquet, whole or not at all, and return the file's sha256."""
    table = pa.Table.from_pandas(frame, preserve_index=False)
    buffer = io.BytesIO()
    pq.write_table(table.replace_schema_metadata(dict(metadata)), buffer)
    content = buffer.getvalue()
    write_atomically(path, content)
    return hashlib.sha256(content).hexdigest()


def read_parquet(path: Path) -> tuple[pd.DataFrame, dict[bytes, bytes]]:
    """Return the rows and the metadata of a file that `write_parquet` wrote.

    Raises:
        DataError: there is no such file, or it is damaged.
    """
    table, metadata = read_arrow(path)
    return table.to_pandas(), metadata


def read_arrow(path: Path) -> tuple[pa.Table, dict[bytes, bytes]]:
    """Return the rows of a Parquet file in its own types, and its metadata.

    Raises:
        DataError: there is no such file, or it is damaged.
    """
    try:
        table = pq.read_table(path)
    except FileNotFoundError:
        raise DataError(f"{path} is missing; run the stage that writes it first (see dvc.yaml)") from None
    except (pa.ArrowInvalid, OSError) as error:
        raise DataError(f"{path} is not a whole Parquet file: {error}") from error
    metadata = dict(table.schema.metadata or {})
    return table.replace_schema_metadata(None), metadata


def data_kind(metadata: Mapping[bytes, bytes]) -> DataKind:
    """Return what kind of data a file of rows was made of, by its metadata."""
    if metadata[SAMPLE_KEY] == b"true":
        return "sample"
    return "published" if metadata.get(KIND_KEY) == b"published" else "own"


def data_record(frame: pd.DataFrame, metadata: Mapping[bytes, bytes], target: str) -> DataRecord:
    """Return the part of a model's record about the rows that it was trained on."""
    return DataRecord(
        sha256=metadata[SNAPSHOT_KEY].decode(),
        rows=len(frame),
        default_share=float(frame[target].mean()),
        sample=data_kind(metadata) == "sample",
        published=data_kind(metadata) == "published",
    )
