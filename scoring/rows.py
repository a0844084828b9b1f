"""Hold the rows that callers send: applications, or the good rows of a table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import orjson

from scoring.application import Application
from scoring.frames import Frame
from scoring.graph import Inputs


@dataclass(frozen=True, slots=True)
class Table:
    """The good rows of a table: what the graph reads of them, and each row's values as JSON, if they are kept."""

    inputs: Inputs
    applications: Sequence[bytes]

    def __len__(self) -> int:
        return len(self.inputs)

    def __getitem__(self, rows: slice) -> Table:
        return Table(self.inputs[rows], self.applications[rows])


Rows: TypeAlias = Sequence[Application] | Table
"""The rows of one caller."""


def joined_inputs(parts: Sequence[Rows], frame: Frame) -> Inputs:
    """Return the graph inputs of the rows of all parts, in order; applications are put into columns together."""
    inputs: list[Inputs] = []
    applications: list[Application] = []
    for part in parts:
        if isinstance(part, Table):
            if applications:
                inputs.append(frame.inputs(applications))
                applications = []
            inputs.append(part.inputs)
        else:
            applications.extend(part)
    if applications:
        inputs.append(frame.inputs(applications))
    return Inputs.joined(inputs)


def json_of(part: Rows, frame: Frame) -> Sequence[bytes]:
    """Return each row's values as a JSON list, in the order of the frame's fields, null where one is missing."""
    if isinstance(part, Table):
        return part.applications
    return [orjson.dumps(frame.values(application)) for application in part]
