"""Features as expressions over raw columns.

A scorecard module writes its features once, with these blocks; `training/frontend.py` turns
them into the first part of the ONNX graph. Training takes its feature matrix from that same
graph, so there is no second implementation that could differ.

Every operation keeps a row's result independent of its neighbours. ONNX Runtime's Reduce kernels
and its vectorised Log give other bits from some batch size on, so sums are products with a
constant matrix, maxima are pairwise, and curves are straight lines between knots.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Operation = Literal[
    "raw", "add", "subtract", "multiply", "divide",
    "beside", "combine", "largest", "smallest", "clip", "interpolate", "steps",
]  # fmt: skip


@dataclass(frozen=True, eq=False)
class Block:
    """Columns of one meaning, [rows, width] float32, raw or computed.

    `names` has one name per column. `constants` holds the operation's numbers: the other
    operand of arithmetic with a number, the bounds of a clip, the levels of steps, one weight per
    input column of a combination, or the knots of an interpolation followed by its values there.
    """

    operation: Operation
    names: tuple[str, ...]
    inputs: tuple[Block, ...] = ()
    constants: tuple[float, ...] = ()

    @property
    def width(self) -> int:
        """Number of columns."""
        return len(self.names)

    def __add__(self, other: Block | float) -> Block:
        return _arithmetic("add", self, other)

    def __sub__(self, other: Block | float) -> Block:
        return _arithmetic("subtract", self, other)

    def __mul__(self, other: Block | float) -> Block:
        return _arithmetic("multiply", self, other)

    def __truediv__(self, other: Block | float) -> Block:
        return _arithmetic("divide", self, other)

    def named(self, *names: str) -> Block:
        """The same block under other column names."""
        if len(names) != self.width:
            raise ValueError(f"{self.width} columns cannot take the names {names}")
        return Block(self.operation, names, self.inputs, self.constants)

    def total(self, name: str) -> Block:
        """The sum over the columns."""
        return Block("combine", (name,), (self,), (1.0,) * self.width)

    def mean(self, name: str) -> Block:
        """The mean over the columns."""
        return Block("combine", (name,), (self,), (1.0 / self.width,) * self.width)

    def largest(self, name: str) -> Block:
        """The maximum over the columns."""
        return Block("largest", (name,), (self,))

    def smallest(self, name: str) -> Block:
        """The minimum over the columns."""
        return Block("smallest", (name,), (self,))

    def clip(self, low: float, high: float) -> Block:
        """Each value held between `low` and `high`."""
        return Block("clip", self.names, (self,), (low, high))

    def interpolate(self, points: Sequence[tuple[float, float]]) -> Block:
        """Straight lines between (x, y) points of rising x; level beyond the first and the last."""
        positions, values = zip(*points, strict=True)
        if list(positions) != sorted(set(positions)) or len(points) < 2:
            raise ValueError("an interpolation needs two or more points of rising x")
        return Block("interpolate", self.names, (self,), (*positions, *values))

    def signed_log(self) -> Block:
        """sign(x) * log10(1 + |x|), by straight lines between knots from -100,000 to 10 million.

        For amounts of money, which span decades; below zero, where they are rare, knots are few.
        """
        knots = (-1e5, -1e3, 0.0, 1e2, 1e3, 3e3, 1e4, 3e4, 1e5, 3e5, 1e6, 1e7)
        block = self.interpolate([(x, math.copysign(math.log10(1 + abs(x)), x)) for x in knots])
        return block.named(*(f"log {name}" for name in self.names))

    def steps(self, levels: Sequence[float]) -> Block:
        """clip(x - level, 0, 1) for each column and level.

        For whole-numbered codes this spans the same functions as one-hot encoding, keeps the
        order of the codes, and costs two nodes.
        """
        names = tuple(f"{name} > {level:g}" for name in self.names for level in levels)
        return Block("steps", names, (self,), tuple(levels))


def raw(*columns: str) -> Block:
    """Raw columns of the application, by their data set names."""
    return Block("raw", columns)


def beside(*blocks: Block) -> Block:
    """The columns of several blocks as one block: one operation on it costs less than one on each."""
    return Block("beside", tuple(name for block in blocks for name in block.names), blocks)


def _arithmetic(operation: Operation, left: Block, right: Block | float) -> Block:
    if not isinstance(right, Block):
        return Block(operation, left.names, (left,), (float(right),))
    if right.width not in (1, left.width):
        raise ValueError(f"a block of {right.width} columns cannot be matched with {left.width}")
    return Block(operation, left.names, (left, right))


def raw_columns(blocks: Sequence[Block]) -> frozenset[str]:
    """Every raw column that the blocks are computed from."""
    found: set[str] = set()
    stack = list(blocks)
    while stack:
        block = stack.pop()
        if block.operation == "raw":
            found.update(block.names)
        stack.extend(block.inputs)
    return frozenset(found)
