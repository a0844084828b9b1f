"""The journal as one Parquet file."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from scoring.decision import Basis
from scoring.files import file_aside, refuse_overwrite
from scoring.journal.reader import JournalReader
from scoring.journal.record import DecisionRecord
from training.errors import StageError

ROWS = 10_000
"""Decisions of a row group."""

TIME = pa.timestamp("ms", tz="UTC")
SCHEMA = pa.schema(
    [
        ("sequence", pa.int64()),
        ("decision_id", pa.string()),
        ("decided_at", TIME),
        ("request_id", pa.string()),
        ("applicant", pa.string()),
        ("scorecard", pa.string()),
        ("model", pa.string()),
        ("variant", pa.string()),
        ("graph_sha256", pa.string()),
        ("explain_sha256", pa.string()),
        ("policy", pa.string()),
        ("cutoff", pa.float64()),
        ("runtime", pa.map_(pa.string(), pa.string())),
        ("pd", pa.float32()),
        ("declined", pa.bool_()),
        ("points", pa.int64()),
        ("band", pa.string()),
        ("thin", pa.bool_()),
        ("reasons", pa.list_(pa.string())),
        ("contributions", pa.map_(pa.string(), pa.float32())),
        ("application", pa.string()),
        ("columns", pa.list_(pa.string())),
        ("fields", pa.list_(pa.string())),
        ("inputs", pa.binary()),
        ("erased", pa.bool_()),
        ("salt", pa.binary()),
        ("payload_sha256", pa.binary()),
        ("basis_sha256", pa.binary()),
        ("proof", pa.binary()),
    ]
)
REPEATING = [
    "scorecard", "model", "variant", "graph_sha256", "explain_sha256", "policy", "cutoff", "runtime.key_value.key",
    "runtime.key_value.value", "band", "reasons.list.element", "contributions.key_value.key", "columns.list.element",
    "fields.list.element", "basis_sha256",
]  # fmt: skip


def export(
    reader: JournalReader, output: Path, since: str | None, until: str | None, advance: Callable[[int], None]
) -> int:
    """Write the decisions of these times next to `output`, then rename the file there; only its owner can read it.

    Returns:
        How many there were.

    Raises:
        StageError: the file cannot be written.
        DataError: it would lie in the journal's folder.
        JournalError: a segment cannot be read.
    """
    count = 0
    refuse_overwrite(output, reader.folder)
    try:
        with file_aside(output, private=True) as aside:
            with pq.ParquetWriter(aside.file, SCHEMA, use_dictionary=REPEATING) as writer:
                for records in _groups(reader.decisions(since=since, until=until)):
                    writer.write_batch(_batch(records), row_group_size=ROWS)
                    count += len(records)
                    advance(len(records))
            aside.publish()
    except OSError as error:
        raise StageError(f"cannot write {output}: {error.strerror or error}") from None
    return count


def _groups(records: Iterator[DecisionRecord]) -> Iterator[list[DecisionRecord]]:
    while group := list(islice(records, ROWS)):
        yield group


def _batch(records: Sequence[DecisionRecord]) -> pa.RecordBatch:
    columns: dict[str, list[object]] = {
        name: [getattr(record.basis, name) for record in records]
        for name in SCHEMA.names
        if name in Basis.model_fields and name != "runtime"
    }
    columns |= {
        name: [getattr(record, name) for record in records]
        for name in SCHEMA.names
        if name not in columns and name not in {"runtime", "decided_at", "contributions"}
    }
    columns["runtime"] = [list(record.basis.runtime.items()) for record in records]
    columns["contributions"] = [
        None
        if record.contributions is None
        else list(zip(record.basis.groups, record.contributions.tolist(), strict=True))
        for record in records
    ]
    times = pa.array([record.decided_at for record in records]).cast(TIME)
    arrays = [times if field.name == "decided_at" else pa.array(columns[field.name], field.type) for field in SCHEMA]
    return pa.RecordBatch.from_arrays(arrays, schema=SCHEMA)
