"""Features as expressions over raw columns.

A scorecard module writes its features once, with these blocks; `training/graph/frontend.py` turns
them into the first part of the ONNX graph. Training takes its feature matrix from that same
graph, so there is no second implementation that could differ.

Every operation keeps a row's result independent of its neighbours. ONNX Runtime's ReduceSum and its
vectorised Log give other bits from some batch size on, so sums are products with a constant matrix
and curves are straight lines between knots. A maximum is the same in any order.

Text enters as indicators, one column per choice. Numbers that may be missing enter by `optional` and
stay missing through arithmetic until they are `filled`; only trees take them as they are.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

Operation = Literal[
    "raw", "indicators", "optional", "add", "subtract", "multiply", "divide",
    "beside", "combine", "largest", "smallest", "clip", "interpolate", "steps", "without", "filled", "missing",
]  # fmt: skip


@dataclass(frozen=True, eq=False)
class Block:
    """Columns of one meaning, [rows, width] float32, raw or computed.

    `names` has one name per column. `constants` holds the operation's numbers: the other
    operand of arithmetic with a number, the bounds of a clip, the levels of steps, one weight per
    input column of a combination, what stands for a missing value, what is to be missing, or the
    knots of an interpolation followed by its values there. `choices` has a (column, choice) for each
    column of indicators.
    """

    operation: Operation
    names: tuple[str, ...]
    inputs: tuple[Block, ...] = ()
    constants: tuple[float, ...] = ()
    choices: tuple[tuple[str, str], ...] = ()

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
        """Return the same block under other column names."""
        if len(names) != self.width:
            raise ValueError(f"{self.width} columns cannot take the names {names}")
        # A raw block's names are the columns that it reads.
        return Block("beside", names, (self,)) if self.operation in ("raw", "optional") else replace(self, names=names)

    @property
    def may_be_missing(self) -> bool:
        """Whether a value of it can be missing (NaN in the graph)."""
        if self.operation in ("filled", "missing"):
            return False
        return self.operation in ("optional", "without") or any(part.may_be_missing for part in self.inputs)

    def without(self, value: float) -> Block:
        """Return the same columns, missing where they hold `value`: for a number that stands for none."""
        return Block("without", self.names, (self,), (value,))

    def filled(self, value: float) -> Block:
        """Return the same columns with `value` where one is missing."""
        return Block("filled", self.names, (self,), (value,))

    def missing(self) -> Block:
        """Return 1 where a value is missing, else 0."""
        return Block("missing", tuple(f"{name} missing" for name in self.names), (self,))

    def total(self, name: str) -> Block:
        """Return the sum over the columns."""
        return Block("combine", (name,), (self,), (1.0,) * self.width)

    def mean(self, name: str) -> Block:
        """Return the mean over the columns."""
        return Block("combine", (name,), (self,), (1.0 / self.width,) * self.width)

    def largest(self, name: str) -> Block:
        """Return the maximum over the columns."""
        self._must_be_known("largest")
        return Block("largest", (name,), (self,))

    def smallest(self, name: str) -> Block:
        """Return the minimum over the columns."""
        self._must_be_known("smallest")
        return Block("smallest", (name,), (self,))

    def clip(self, low: float, high: float) -> Block:
        """Return each value held between `low` and `high`."""
        self._must_be_known("clip")
        return Block("clip", self.names, (self,), (low, high))

    def interpolate(self, points: Sequence[tuple[float, float]]) -> Block:
        """Return straight lines between (x, y) points of rising x; level beyond the first and the last."""
        self._must_be_known("interpolate")
        positions, values = zip(*points, strict=True)
        if list(positions) != sorted(set(positions)) or len(points) < 2:
            raise ValueError("an interpolation needs two or more points of rising x")
        return Block("interpolate", self.names, (self,), (*positions, *values))

    def signed_log(self) -> Block:
        """Return sign(x) * log10(1 + |x|), by straight lines between knots from -100,000 to 10 million.

        For amounts of money, which span decades; below zero, where they are rare, knots are few.
        """
        knots = (-1e5, -1e3, 0.0, 1e2, 1e3, 3e3, 1e4, 3e4, 1e5, 3e5, 1e6, 1e7)
        block = self.interpolate([(x, math.copysign(math.log10(1 + abs(x)), x)) for x in knots])
        return block.named(*(f"log {name}" for name in self.names))

    def steps(self, levels: Sequence[float]) -> Block:
        """Return clip(x - level, 0, 1) for each column and level.

        For whole-numbered codes this spans the same functions as one-hot encoding, keeps the
        order of the codes, and costs two nodes.
        """
        self._must_be_known("steps")
        names = tuple(f"{name} > {level:g}" for name in self.names for level in levels)
        return Block("steps", names, (self,), tuple(levels))

    def _must_be_known(self, operation: str) -> None:
        # What a comparison makes of NaN depends on the vector instructions, and so on the batch size.
        if self.may_be_missing:
            raise ValueError(f"{operation} of {', '.join(self.names)}: fill what may be missing first")


def raw(*columns: str) -> Block:
    """Return raw columns of numbers, by their data set names, none of which can be missing."""
    return Block("raw", columns)


def optional(*columns: str) -> Block:
    """Return raw columns of numbers that may be missing."""
    return Block("optional", columns)


def category(column: str, *choices: str) -> Block:
    """Return one column per choice of a text column: 1 where it holds that choice, else 0.

    A missing value, and a choice that is not listed, is 0 in all of them.
    """
    return Block(
        "indicators",
        tuple(f"{column} = {choice}" for choice in choices),
        choices=tuple((column, choice) for choice in choices),
    )


def ordered(column: str, *choices: str) -> Block:
    """Return the position of a text column's value among the choices, from 0, as one column."""
    return Block("combine", (column,), (category(column, *choices),), tuple(map(float, range(len(choices)))))


def beside(*blocks: Block) -> Block:
    """Return the columns of several blocks as one block: one operation on it costs less than one on each."""
    return Block("beside", tuple(name for block in blocks for name in block.names), blocks)


def _arithmetic(operation: Operation, left: Block, right: Block | float) -> Block:
    if not isinstance(right, Block):
        return Block(operation, left.names, (left,), (float(right),))
    if right.width not in (1, left.width):
        raise ValueError(f"a block of {right.width} columns cannot be matched with {left.width}")
    return Block(operation, left.names, (left, right))


def every_block(blocks: Sequence[Block]) -> Iterator[Block]:
    """Yield the blocks and all that they are computed from; what is used twice comes twice."""
    stack = list(blocks)
    while stack:
        block = stack.pop()
        yield block
        stack.extend(block.inputs)


def raw_columns(blocks: Sequence[Block]) -> frozenset[str]:
    """Return every raw column that the blocks are computed from."""
    found: set[str] = set()
    for block in every_block(blocks):
        if block.operation == "indicators":
            found.update(column for column, _ in block.choices)
        elif not block.inputs:
            found.update(block.names)
    return frozenset(found)
