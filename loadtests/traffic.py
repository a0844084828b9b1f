"""Make the bodies that are sent: valid applications of any scorecard, and bodies that break its contract."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import ValidationError

from scoring.errors import field_errors
from scoring.scorecard import Scorecard

Values = Mapping[str, float | int | str]
"""One application by the data set's column names, as a client would send it."""


class TrafficError(ValueError):
    """A file of applications cannot be used; the message says why."""


def sample_applications(scorecard: Scorecard, rows: int, seed: int = 0) -> list[Values]:
    """Make up applications, the same for the same seed."""
    table = scorecard.sample(np.random.default_rng(seed), rows)
    columns = {name: values.tolist() for name, values in table.items()}
    return _applications(scorecard, columns, rows)


def read_applications(scorecard: Scorecard, path: Path, rows: int, seed: int = 0) -> list[Values]:
    """Draw applications without replacement from a Parquet table or a JSON list.

    Columns that the scorecard does not have are left out. A file with fewer rows gives all of them.

    Raises:
        TrafficError: the file is missing, unreadable, empty, or holds an application that breaks
            the contract.
    """
    try:
        if path.suffix == ".json":
            records = json.loads(path.read_bytes())
            if not isinstance(records, list) or not all(isinstance(record, dict) for record in records):
                raise TrafficError(f"{path} does not hold a list of applications")
            count = len(records)
            columns = {rule.column: [record.get(rule.column) for record in records] for rule in scorecard.rules}
        elif path.suffix == ".parquet":
            # Only this branch needs it.
            import pyarrow.parquet

            # Without a history's columns, of which there may be hundreds.
            known = set(pyarrow.parquet.read_schema(path).names)
            table = pyarrow.parquet.read_table(path, columns=[name for name in scorecard.columns if name in known])
            count = table.num_rows
            columns = {name: table[name].to_pylist() for name in table.column_names}
        else:
            raise TrafficError(f"{path}: applications come from a .parquet or a .json file")
    except FileNotFoundError:
        raise TrafficError(f"there is no file {path}") from None
    except (OSError, ValueError) as error:
        if isinstance(error, TrafficError):
            raise
        raise TrafficError(f"{path} cannot be read: {error}") from None
    if count == 0:
        raise TrafficError(f"{path} holds no applications")
    chosen = np.random.default_rng(seed).permutation(count)[:rows].tolist()
    drawn = {name: [values[row] for row in chosen] for name, values in columns.items()}
    try:
        return _applications(scorecard, drawn, len(chosen))
    except TrafficError as error:
        raise TrafficError(f"{path}: {error}") from None


def _applications(scorecard: Scorecard, columns: Mapping[str, Sequence[Any]], rows: int) -> list[Values]:
    applications: list[Values] = []
    for row in range(rows):
        values: dict[str, float | int | str] = {}
        for rule in scorecard.rules:
            value = columns[rule.column][row] if rule.column in columns else None
            if value is None or (isinstance(value, float) and math.isnan(value)):
                continue
            whole = rule.kind == "integer" and float(value).is_integer()
            values[rule.column] = int(value) if whole else value
        try:
            scorecard.application.model_validate(values)
        except ValidationError as error:
            broken = field_errors(error)[0]
            raise TrafficError(f"application {row}, {broken.field}: {broken.message}") from None
        applications.append(values)
    return applications


def bad_bodies(scorecard: Scorecard, application: Values) -> dict[str, bytes]:
    """Return bodies that a strict service answers with 422, by their fault."""
    required = [rule for rule in scorecard.rules if rule.required and rule.kind != "text"]
    first, last = required[0], required[-1]
    bodies: dict[str, Mapping[str, Any]] = {
        "unknown field": {**application, "no_such_field": 1},
        "missing field": {name: value for name, value in application.items() if name != first.column},
        "text for a number": {**application, first.column: str(application[first.column])},
        "boolean for a number": {**application, last.column: True},
        "above the maximum": {**application, last.column: _beyond(last.maximum)},
        "below the minimum": {**application, first.column: -_beyond(-first.minimum)},
        "not a number": {**application, last.column: math.nan},
    }
    for rule in scorecard.rules:
        if rule.kind == "text" and rule.required:
            bodies["unknown choice"] = {**application, rule.column: "no such choice"}
    return {reason: json.dumps(values).encode() for reason, values in bodies.items()}


def _beyond(bound: float) -> int:
    return math.floor(bound) + 1


@dataclass(frozen=True)
class Bodies:
    """Request bodies, ready to send.

    Attributes:
        batches: bodies of `/predict_batch`, with `rows` applications each.
        bad: bodies of `/predict` that must be answered with 422.
    """

    single: list[bytes]
    batches: list[bytes]
    bad: list[bytes]
    rows: int

    @classmethod
    def of(cls, scorecard: Scorecard, applications: Sequence[Values], rows: int) -> Bodies:
        """Return the bodies for these applications; batches reuse them if there are fewer than `rows`."""
        starts = range(0, len(applications), rows)
        return cls(
            single=[json.dumps(application).encode() for application in applications],
            batches=[batch_body(applications, rows, start) for start in starts],
            bad=list(bad_bodies(scorecard, applications[0]).values()),
            rows=rows,
        )


def batch_body(applications: Sequence[Values], rows: int, start: int = 0) -> bytes:
    """Return a JSON body of `/predict_batch` with `rows` applications, from `start` on and round again."""
    chosen = [applications[(start + row) % len(applications)] for row in range(rows)]
    return json.dumps({"applications": chosen}).encode()


def arrow_body(scorecard: Scorecard, applications: Sequence[Values], rows: int) -> bytes:
    """Return an Arrow IPC stream of `rows` applications, null where a value is missing."""
    import pyarrow as pa

    types = {"integer": pa.int64(), "number": pa.float64(), "text": pa.string()}
    arrays = {}
    for rule in scorecard.rules:
        values = [applications[row % len(applications)].get(rule.column) for row in range(rows)]
        if any(value is not None for value in values):
            arrays[rule.column] = pa.array(values, types[rule.kind])
    table = pa.table(arrays)
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    content: bytes = sink.getvalue().to_pybytes()
    return content
