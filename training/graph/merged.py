"""The part of a front graph that reads rare levels as others: `training.graph.levels` says which."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from scoring.graph import INPUT
from training.graph.levels import Merge

Choice = tuple[str, str]
"""A text column and one of its choices; an empty one where it is missing."""
MERGED = "merged"
"""The input of numbers, [rows, columns] float32, each rare level of a code replaced by what it is read as."""


def holders_of(choices: Sequence[Choice], merges: Sequence[Merge]) -> dict[Choice, list[Choice]]:
    """Return what counts as each choice of a text column: itself, unless it is rare, and what is read as it."""
    holders = {choice: [choice] for choice in choices}
    for merge in merges:
        rare = [(merge.column, str(level or "")) for level in merge.levels]
        into = (merge.column, str(merge.into or ""))
        holders |= {choice: [] for choice in rare}
        holders[into] = [into, *rare]
    return holders


@dataclass
class MergedNodes:
    """Nodes from `INPUT` to `MERGED`, and their constants; none where no number is merged."""

    nodes: list[onnx.NodeProto] = field(default_factory=list)
    constants: list[onnx.TensorProto] = field(default_factory=list)

    def add(self, operator: str, inputs: Sequence[str], output: str, **attributes: Any) -> str:
        """Add a node and return its output's name."""
        self.nodes.append(helper.make_node(operator, list(inputs), [output], name=f"front/{output}", **attributes))
        return output

    def constant(self, name: str, values: NDArray[Any]) -> str:
        """Add a constant and return its name."""
        self.constants.append(numpy_helper.from_array(values, name))
        return name


def merged_nodes(merges: Sequence[Merge], columns: Sequence[str]) -> MergedNodes:
    """Return the nodes that replace rare levels, and let every other value pass to the bit.

    Args:
        merges: of columns of numbers.
        columns: of the input of numbers.
    """
    merged = MergedNodes()
    if not merges:
        return merged
    place = {column: position for position, column in enumerate(columns)}
    rare = [(place[merge.column], level) for merge in merges for level in merge.levels if level is not None]
    replaced = []
    if rare:
        positions = np.array([position for position, _ in rare], dtype=np.int64)
        levels = np.array([level for _, level in rare], dtype=np.float32)
        of_column = np.zeros((len(rare), len(columns)), dtype=np.float32)
        of_column[np.arange(len(rare)), positions] = 1
        codes = merged.add("Gather", [INPUT, merged.constant("rare_columns", positions)], "codes_read", axis=1)
        equal = merged.add("Equal", [codes, merged.constant("rare_levels", levels)], "is_rare_level")
        counted = merged.add("Cast", [equal], "rare_level", to=TensorProto.FLOAT)
        spread = merged.add("MatMul", [counted, merged.constant("rare_spread", of_column)], "rare")
        replaced.append(merged.add("Cast", [spread], "is_rare", to=TensorProto.BOOL))
    if gaps := [place[merge.column] for merge in merges if None in merge.levels]:
        mask = np.isin(np.arange(len(columns)), gaps)[None, :]
        missing = merged.add("IsNaN", [INPUT], "is_missing")
        replaced.append(merged.add("And", [missing, merged.constant("rare_gaps", mask)], "is_rare_gap"))
    into = np.zeros((1, len(columns)), dtype=np.float32)
    for merge in merges:
        into[0, place[merge.column]] = np.nan if merge.into is None else merge.into
    each = replaced[0] if len(replaced) == 1 else merged.add("Or", replaced, "is_replaced")
    merged.add("Where", [each, merged.constant("read_as", into), INPUT], MERGED)
    return merged
