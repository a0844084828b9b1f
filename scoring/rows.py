"""What callers hand in: applications, or the good rows of a table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

from scoring.frames import Frame
from scoring.graph import Inputs
from scoring.scorecard import Application


@dataclass(frozen=True, slots=True)
class Table:
    """The good rows of a table: what the graph reads of them, and for each its fields as JSON, if they are kept."""

    inputs: Inputs
    applications: Sequence[bytes]

    def __len__(self) -> int:
        return len(self.inputs)

    def __getitem__(self, rows: slice) -> Table:
        return Table(self.inputs[rows], self.applications[rows])


Rows: TypeAlias = Sequence[Application] | Table
"""What one caller hands in."""


def joined_inputs(parts: Sequence[Rows], frame: Frame) -> Inputs:
    """What a graph reads of the rows of all parts, in order; applications are put into its columns together."""
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


def json_of(part: Rows) -> list[bytes]:
    """Each row's fields as JSON, by column; those that are missing left out."""
    if isinstance(part, Table):
        return list(part.applications)
    return [row.__pydantic_serializer__.to_json(row, by_alias=True, exclude_none=True) for row in part]
