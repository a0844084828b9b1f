"""Read and write Arrow streams, for batches too large for JSON.

The sizes and types that a body states are checked before anything is read by them. Compressed
buffers are refused, since a few bytes of them may stand for any amount of memory.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from http import HTTPStatus

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from scoring.decision import BatchSlice
from scoring.errors import FieldError, InvalidApplicationError, RowError
from scoring.frames import Frame, ReadTable
from scoring.rows import Table
from serving.problems import ProblemError, broken_rules

ARROW_STREAM = b"application/vnd.apache.arrow.stream"
MOST_ROW_ERRORS = 1000
MOST_COLUMNS = 1000

MOST_TEXT_BYTES = 1000
"""The limit of one text in a column of views; no choice of a field is as long."""

# Positions in the flatbuffers of the Arrow format: Message.header, RecordBatch.length and .compression,
# DictionaryBatch.data.
_HEADER, _LENGTH, _COMPRESSION, _DICTIONARY_BATCH = 2, 0, 3, 1


@dataclass(frozen=True)
class TableRows:
    """The rows of an Arrow stream: values and positions of the good ones, and the errors of the others."""

    count: int
    rows: Table
    positions: NDArray[np.int64]
    errors: list[RowError]


def read_rows(body: bytes, frame: Frame, most_rows: int, *, kept: bool = True) -> TableRows:
    """Read the rows of an Arrow stream; their values also as JSON if they are to be `kept`.

    Raises:
        ProblemError: the body is not an Arrow stream of the right columns, or has too many rows.
        HistoryUnavailableError: the history cannot be read.
    """
    try:
        table = _read_table(body, frame, most_rows)
        read = frame.read_table(table, most_errors=MOST_ROW_ERRORS)
    except InvalidApplicationError as error:
        raise broken_rules(error.errors) from None
    except (pa.ArrowException, OSError, ValueError, struct.error) as error:
        raise ProblemError(
            HTTPStatus.BAD_REQUEST, f"the body is not a whole Arrow stream ({type(error).__name__})"
        ) from None
    applications = _applications(read, frame) if kept else []
    return TableRows(read.rows, Table(read.inputs, applications), read.positions, read.errors)


def _applications(read: ReadTable, frame: Frame) -> list[bytes]:
    """Return each good row's values as a JSON list, in the order of the frame's fields, null where one is missing."""
    members = {name: values.members(read.positions) for name, values in read.columns.items()}
    missing = [None] * len(read.positions)
    return [orjson.dumps(row) for row in zip(*(members.get(field, missing) for field in frame.fields), strict=True)]


def _read_table(body: bytes, frame: Frame, most_rows: int) -> pa.Table:
    schema = _checked_schema(body, frame, most_rows)
    # A message of a dictionary can be read by a whole reader only.
    with pa.ipc.open_stream(pa.py_buffer(body)) as reader:
        batches = list(reader)
    for batch in batches:
        _check_views(batch)
        # Reading trusts the lengths in the message; this compares them with the buffers.
        batch.validate(full=True)
    return pa.Table.from_batches(batches, schema)


def _checked_schema(body: bytes, frame: Frame, most_rows: int) -> pa.Schema:
    """Walk the messages of a stream; return its schema, once nothing that they state is against it.

    Raises:
        InvalidApplicationError: the columns are wrong, there are too many or no rows, or they are compressed.
        ProblemError: bytes follow the end of the stream.
        pa.ArrowException: it is no whole stream.
    """
    source = pa.BufferReader(body)
    messages = iter(pa.ipc.MessageReader.open_stream(source))
    first = next(messages, None)
    if first is None or first.type != "schema":
        raise pa.ArrowInvalid("a stream without a schema")
    schema = pa.ipc.read_schema(first)
    if len(schema) > MOST_COLUMNS:
        raise _broken_body("too_long", f"Table should have at most {MOST_COLUMNS} columns")
    frame.check_schema(schema)
    rows = 0
    for message in messages:
        if message.type not in {"record batch", "dictionary"}:
            raise pa.ArrowInvalid(f"a message of type {message.type}")
        length, compressed = _stated_size(message)
        if compressed:
            raise _broken_body("compression", "Buffers should not be compressed")
        rows += length if message.type == "record batch" else 0
        if rows > most_rows:
            raise _broken_body("too_long", f"Table should have at most {most_rows} rows")
    if rest := len(body) - source.tell():
        raise ProblemError(HTTPStatus.BAD_REQUEST, f"{rest} bytes follow the end of the Arrow stream")
    if rows == 0:
        raise _broken_body("too_short", "Table should have at least 1 row")
    return schema


def _broken_body(rule: str, message: str) -> InvalidApplicationError:
    return InvalidApplicationError([FieldError(field="(body)", rule=rule, message=message)])


def _check_views(batch: pa.RecordBatch) -> None:
    """Check that no text is long: any number of views may share one, and each of them would be read.

    Raises:
        InvalidApplicationError: one is.
    """
    batch.validate()
    for name, column in zip(batch.schema.names, batch.columns, strict=True):
        texts = column.dictionary if pa.types.is_dictionary(column.type) else column
        if not len(texts) or not (pa.types.is_string_view(texts.type) or pa.types.is_binary_view(texts.type)):
            continue
        lengths = np.frombuffer(texts.buffers()[1], np.int32)[: 4 * len(texts) : 4]
        if (lengths * np.asarray(texts.is_valid()) > MOST_TEXT_BYTES).any():
            message = f"Text should have at most {MOST_TEXT_BYTES} bytes"
            raise InvalidApplicationError([FieldError(field=name, rule="string_too_long", message=message)])


def _stated_size(stated: pa.Message) -> tuple[int, bool]:
    """Return the rows that a message of a batch or a dictionary states, and whether its buffers are compressed."""
    data = stated.metadata.to_pybytes()
    (message,) = struct.unpack_from("<I", data, 0)
    header_at = _field(data, message, _HEADER)
    if header_at is None:
        raise pa.ArrowInvalid("a message without a header")
    (offset,) = struct.unpack_from("<I", data, header_at)
    batch = header_at + offset
    if stated.type == "dictionary":
        batch_at = _field(data, batch, _DICTIONARY_BATCH)
        if batch_at is None:
            raise pa.ArrowInvalid("a dictionary without values")
        batch = batch_at + struct.unpack_from("<I", data, batch_at)[0]
    length_at = _field(data, batch, _LENGTH)
    length = 0 if length_at is None else struct.unpack_from("<q", data, length_at)[0]
    if length < 0:
        raise pa.ArrowInvalid("a negative number of rows")
    return length, _field(data, batch, _COMPRESSION) is not None


def _field(data: bytes, table: int, field: int) -> int | None:
    """Return the offset of a flatbuffer table's field, None if the table leaves it out."""
    (back,) = struct.unpack_from("<i", data, table)
    vtable = table - back
    (size,) = struct.unpack_from("<H", data, vtable)
    entry = 4 + 2 * field
    if entry + 2 > size:
        return None
    (offset,) = struct.unpack_from("<H", data, vtable + entry)
    return table + offset if offset else None


_REASONS = pa.list_(pa.struct([("code", pa.string()), ("statement", pa.string()), ("contribution", pa.float32())]))
_ERRORS = pa.list_(pa.struct([("field", pa.string()), ("rule", pa.string()), ("message", pa.string())]))


def write_decisions(table: TableRows, slices: list[BatchSlice], *, every_reason: bool) -> bytes:
    """Return an Arrow stream with one row per row of the table: null, and the errors, where that row is broken.

    The schema's metadata holds what all rows share, in `groups` the order of the contributions, in `broken` how many
    rows have no decision, and in `named` of how many of them, from the first on, there are errors.
    """
    rows, positions = table.count, table.positions
    common = slices[0][0]
    basis = common.basis
    source = np.zeros(rows, dtype=np.int64)
    source[positions] = np.arange(len(positions))
    broken = np.ones(rows, dtype=bool)
    broken[positions] = False
    decided_row = pa.array(source, mask=broken)
    declined = pa.array(np.concatenate([made.declined[start:stop] for made, start, stop in slices]))
    columns = {
        "decision_id": pa.array([name for made, start, stop in slices for name in made.decision_ids[start:stop]]),
        "pd": pa.array(np.concatenate([made.pd[start:stop] for made, start, stop in slices])),
        "prediction": pc.cast(declined, pa.int8()),
        "decision": pc.if_else(declined, "decline", "approve"),
        "points": pa.array(np.concatenate([made.points[start:stop] for made, start, stop in slices])),
        "band": pa.array([band for made, start, stop in slices for band in made.bands[start:stop]]),
        "decided_at": pa.array([made.decided_at for made, start, stop in slices for _ in range(start, stop)]),
    }
    columns["reasons"] = pa.array(
        [
            [{name: reason[name] for name in ("code", "statement", "contribution")} for reason in reasons]
            for made, start, stop in slices
            for reasons in made.reasons[start:stop]
        ],
        _REASONS,
    )
    if every_reason:
        found = [values for made, start, stop in slices for values in made.contributions[start:stop]]
        columns["contributions"] = pa.array(found, pa.list_(pa.float32()))
    if common.thin is not None:
        thin = [made.thin[start:stop] for made, start, stop in slices if made.thin is not None]
        columns["thin_file"] = pa.array(np.concatenate(thin))
    spread = {name: column.take(decided_row) for name, column in columns.items()}
    broken_rules_of: list[list[dict[str, str]] | None] = [None] * rows
    for error in table.errors:
        broken_rules_of[error.index] = [item.model_dump() for item in error.errors]
    spread["errors"] = pa.array(broken_rules_of, _ERRORS)
    answer = pa.table(spread).replace_schema_metadata(
        {
            "scorecard": basis.scorecard,
            "model": basis.model,
            "variant": basis.variant,
            "policy": basis.policy,
            "cutoff": str(basis.cutoff),
            "groups": ",".join(basis.groups),
            "broken": str(rows - len(positions)),
            "named": str(len(table.errors)),
        }
    )
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, answer.schema) as writer:
        writer.write_table(answer)
    written: bytes = sink.getvalue().to_pybytes()
    return written
