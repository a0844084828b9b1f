"""Raw data: the published file or sample data, as a Parquet snapshot that knows which it is."""

from __future__ import annotations

import hashlib
import io
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import fsspec
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from scoring.files import write_atomically
from scoring.models import DataRecord
from scoring.scorecard import Scorecard
from training.errors import DataError

SAMPLE_KEY = b"scorebox.sample"
SNAPSHOT_KEY = b"scorebox.snapshot"
SAMPLE_SEED = 20_051_001
CHUNK = 1 << 20


@dataclass(frozen=True)
class RawData:
    """The bytes of a source, and the rows in them."""

    frame: pd.DataFrame
    source: str
    sample: bool
    size: int
    sha256: str


def sample_data(scorecard: Scorecard, rows: int) -> RawData:
    """Rows made up by the scorecard's generator; the same number of rows gives the same data."""
    frame = pd.DataFrame(scorecard.sample(np.random.default_rng(SAMPLE_SEED), rows))
    content = frame.to_csv(index=False).encode()
    return RawData(frame, "SAMPLE DATA", True, len(content), hashlib.sha256(content).hexdigest())


def published_data(scorecard: Scorecard, location: str) -> RawData:
    """The published file, from a path or a URL.

    Raises:
        DataError: it cannot be read, or its hash is not the published one.
    """
    shown = re.sub(r"(?<=://)[^/@]*@", "", location)  # without a user's name and password
    try:
        with fsspec.open(location, "rb") as file:
            content = b"".join(iter(lambda: file.read(CHUNK), b""))
    except Exception as error:  # each file system behind fsspec has its own exceptions
        raise DataError(f"{scorecard.name}: cannot read {shown}: {str(error).replace(location, shown)}") from error
    source = scorecard.sources[0]
    (published,) = source.files
    digest = hashlib.sha256(content).hexdigest()
    if digest != published.sha256:
        raise DataError(
            f"{scorecard.name}: {shown} is not the published file: its sha256 is {digest}, "
            f"{source.title} has {published.sha256}"
        )
    try:
        frame = pd.read_csv(
            io.BytesIO(content),
            sep=published.separator,
            header=None if published.columns else "infer",
            names=list(published.columns) or None,
            keep_default_na=False,
            na_values=list(published.missing),
            float_precision="round_trip",
        )
    except ValueError as error:
        raise DataError(f"{scorecard.name}: {shown} is not a CSV file: {error}") from error
    if len(frame) != published.rows:
        raise DataError(f"{scorecard.name}: {len(frame):,} rows were read of {shown}, it has {published.rows:,}")
    return RawData(frame, shown, False, len(content), digest)


def write_parquet(path: Path, frame: pd.DataFrame, metadata: Mapping[bytes, bytes]) -> str:
    """Writes the rows as Parquet, whole or not at all, and gives the file's sha256."""
    table = pa.Table.from_pandas(frame, preserve_index=False)
    buffer = io.BytesIO()
    pq.write_table(table.replace_schema_metadata(dict(metadata)), buffer)
    content = buffer.getvalue()
    write_atomically(path, content)
    return hashlib.sha256(content).hexdigest()


def read_parquet(path: Path) -> tuple[pd.DataFrame, dict[bytes, bytes]]:
    """The rows and the metadata of a file that `write_parquet` wrote.

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
    return table.replace_schema_metadata(None).to_pandas(), metadata


def data_record(frame: pd.DataFrame, metadata: Mapping[bytes, bytes], target: str) -> DataRecord:
    """What a model's record says of the rows it was trained on."""
    return DataRecord(
        sha256=metadata[SNAPSHOT_KEY].decode(),
        rows=len(frame),
        default_share=float(frame[target].mean()),
        sample=metadata[SAMPLE_KEY] == b"true",
    )
