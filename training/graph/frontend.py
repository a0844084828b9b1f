"""The first part of every graph: feature expressions turned into ONNX nodes.

Training takes its feature matrix from this graph too (`feature_matrix`), so a model is fitted on
the very bits that it will see when it serves.

Text columns become indicators by one LabelEncoder and one comparison, next to the numbers. Every block
that is linear in these (selections, sums, differences, means, orders of codes) comes out of one MatMul
with a constant matrix: one node instead of dozens, and safe in every batch size. What may be missing is
0 there, for NaN times 0 is NaN; `optional` blocks take it from the input itself.

Rare levels of codes become what they are read as before anything else: among numbers by a few nodes, among texts by the
matrix alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx
import onnxruntime as ort
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from scoring.features import Block, every_block
from scoring.graph import INPUT, TEXT, Inputs
from scoring.reasons import REFERENCE_INPUT, REFERENCE_TEXT
from training.graph.levels import Merges
from training.graph.merged import MERGED, Choice, holders_of, merged_nodes

OPSET = 18
ML_OPSET = 3
IR_VERSION = 10
FEATURES = "features"
"""Output of the front graph and input of a model's graph, [rows, features] float32."""

_ELEMENTWISE = {"add": "Add", "subtract": "Sub", "multiply": "Mul", "divide": "Div"}


def build_model(
    nodes: Sequence[onnx.NodeProto],
    inputs: dict[str, int],
    outputs: dict[str, int],
    constants: Sequence[onnx.TensorProto],
) -> onnx.ModelProto:
    """Return an ONNX model whose inputs and outputs are [rows, width] float32, but for the text inputs' strings."""

    def ports(widths: dict[str, int]) -> list[onnx.ValueInfoProto]:
        return [
            helper.make_tensor_value_info(
                name,
                TensorProto.STRING if name in (TEXT, REFERENCE_TEXT) else TensorProto.FLOAT,
                [1 if name in (REFERENCE_INPUT, REFERENCE_TEXT) else "rows", width],
            )
            for name, width in widths.items()
        ]

    graph = helper.make_graph(list(nodes), "scorebox", ports(inputs), ports(outputs), list(constants))
    return helper.make_model(
        graph,
        producer_name="scorebox",
        opset_imports=[helper.make_opsetid("", OPSET), helper.make_opsetid("ai.onnx.ml", ML_OPSET)],
        ir_version=IR_VERSION,
    )


def split_columns(blocks: Sequence[Block], columns: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return the columns of numbers, and those of text, each in the given order."""
    text = {column for block in every_block(blocks) for column, _ in block.choices}
    return [name for name in columns if name not in text], [name for name in columns if name in text]


def input_widths(blocks: Sequence[Block], columns: Sequence[str]) -> dict[str, int]:
    """Return the graph's inputs and their widths; one that nothing is read from is left out."""
    numeric, text = split_columns(blocks, columns)
    return {name: len(part) for name, part in ((INPUT, numeric), (TEXT, text)) if part}


def front_graph(blocks: Sequence[Block], columns: Sequence[str], merges: Merges = ()) -> onnx.ModelProto:
    """Return the graph from the raw columns, in this order, to the blocks' features side by side.

    Args:
        blocks: the features.
        columns: the raw columns.
        merges: their rare levels.
    """
    writer = _Writer(blocks, columns, merges)
    parts = [writer.value(block) for block in blocks]
    writer.emit("Concat", parts, output=FEATURES, axis=1)
    writer.finish()
    width = sum(block.width for block in blocks)
    return build_model(writer.nodes, input_widths(blocks, columns), {FEATURES: width}, writer.constants)


def feature_names(blocks: Sequence[Block]) -> list[str]:
    """Return one name per column of the feature matrix."""
    return [name for block in blocks for name in block.names]


def feature_matrix(
    blocks: Sequence[Block], columns: Sequence[str], inputs: Inputs, merges: Merges = ()
) -> NDArray[np.float32]:
    """Return the features of raw rows, [rows, features] float32, computed by the front graph itself."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    session = ort.InferenceSession(
        front_graph(blocks, columns, merges).SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    fed = inputs.feed(port.name for port in session.get_inputs())
    features: NDArray[np.float32] = session.run([FEATURES], fed)[0]
    return features


class _Writer:
    """Collects nodes; equal blocks are written once."""

    def __init__(self, blocks: Sequence[Block], columns: Sequence[str], merges: Merges) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []
        every = list(every_block(blocks))
        self._numeric, self._text = split_columns(blocks, columns)
        choices = list(dict.fromkeys(choice for block in every for choice in block.choices))
        self._holders = holders_of(choices, [merge for merge in merges if merge.column in self._text])
        held = [holder for choice in choices for holder in self._holders[choice]]
        self._indicators = list(dict.fromkeys([*choices, *held]))
        self._merges = [merge for merge in merges if merge.column in self._numeric]
        self._numbers = MERGED if self._merges else INPUT
        self._optional = {name for block in every if block.operation == "optional" for name in block.names}
        known = {name for block in every if block.operation == "raw" for name in block.names}
        if both := known & self._optional:
            raise ValueError(f"{', '.join(sorted(both))}: raw in one block and optional in another")
        # The rows of the linear matrix: numbers, then indicators.
        sources: list[str | Choice] = [*self._numeric, *self._indicators]
        self._positions = {source: position for position, source in enumerate(sources)}
        self._values: dict[int, str] = {}
        self._linear: dict[bytes, tuple[str, NDArray[np.float32]]] = {}
        self._kept: list[Block] = []  # ids must stay unique while blocks are keyed by them

    def emit(self, operator: str, inputs: Sequence[str], output: str | None = None, axis: int | None = None) -> str:
        name = output or f"{operator.lower()}_{len(self.nodes)}"
        node = helper.make_node(operator, list(inputs), [name], name=f"front/{name}")
        if axis is not None:
            node.attribute.append(helper.make_attribute("axis", axis))
        self.nodes.append(node)
        return name

    def constant(self, values: object) -> str:
        name = f"constant_{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.asarray(values, dtype=np.float32), name))
        return name

    def value(self, block: Block) -> str:
        """Return the name of the tensor that holds the block."""
        if id(block) not in self._values:
            self._kept.append(block)
            weights = self._weights(block)
            self._values[id(block)] = self._linear_output(weights) if weights is not None else self._write(block)
        return self._values[id(block)]

    def _weights(self, block: Block) -> NDArray[np.float32] | None:
        """Return the [raw columns, width] matrix of a block that is linear in the raw columns, else None."""
        if block.operation in ("raw", "indicators"):
            weights = np.zeros((len(self._positions), block.width), dtype=np.float32)
            for position, name in enumerate(block.names if block.operation == "raw" else ()):
                weights[self._positions[name], position] = 1
            for position, choice in enumerate(block.choices):
                weights[[self._positions[holder] for holder in self._holders[choice]], position] = 1
            return weights
        if not block.inputs:
            return None
        inputs = [self._weights(part) for part in block.inputs]
        if any(part is None for part in inputs):
            return None
        linear = [part for part in inputs if part is not None]
        if block.operation == "beside":
            return np.concatenate(linear, axis=1)
        if block.operation == "combine":
            combined: NDArray[np.float32] = linear[0] @ np.array(block.constants, dtype=np.float32)[:, None]
            return combined
        if block.operation in ("add", "subtract") and len(linear) == 2:
            sign = np.float32(1 if block.operation == "add" else -1)
            return np.asarray(linear[0] + sign * linear[1], dtype=np.float32)
        return None

    def _linear_output(self, weights: NDArray[np.float32]) -> str:
        key = weights.tobytes()
        if key not in self._linear:
            self._linear[key] = (f"linear_{len(self._linear)}", weights)
        return self._linear[key][0]

    def finish(self) -> None:
        """Put the one MatMul, and what it reads and is split into, before everything else."""
        later, self.nodes = self.nodes, []
        merged = merged_nodes(self._merges, self._numeric)
        self.nodes += merged.nodes
        self.constants += merged.constants
        blocks = list(self._linear.values())
        if not blocks:
            self.nodes += later
            return
        base = self._base()
        weights = self.constant(np.concatenate([matrix for _, matrix in blocks], axis=1))
        sizes = numpy_helper.from_array(np.array([m.shape[1] for _, m in blocks], dtype=np.int64), "linear_widths")
        self.constants.append(sizes)
        product = helper.make_node("MatMul", [base, weights], ["linear"], name="front/linear")
        split = helper.make_node(
            "Split", ["linear", sizes.name], [name for name, _ in blocks], name="front/split", axis=1
        )
        self.nodes += [product, split, *later]

    def _base(self) -> str:
        """Add what linear blocks are made of: numbers without what is missing, and indicators."""
        parts = []
        if self._numeric:
            parts.append(self._numbers)
        if self._optional:
            unknown = self._node("IsNaN", [self._numbers], "unknown")
            parts = [self._node("Where", [unknown, self.constant(0.0), self._numbers], "known")]
        if self._text:
            parts.append(self._write_indicators())
        return parts[0] if len(parts) == 1 else self._node("Concat", parts, "base", axis=1)

    def _write_indicators(self) -> str:
        """Add [rows, indicators]: each text column's code compared with the code of each choice."""
        vocabulary = list(dict.fromkeys(choice for _, choice in self._indicators))
        encoder = helper.make_node(
            "LabelEncoder",
            [TEXT],
            ["codes"],
            name="front/codes",
            domain="ai.onnx.ml",
            keys_strings=vocabulary,
            values_floats=[float(code) for code in range(len(vocabulary))],
            default_float=-1.0,
        )
        self.nodes.append(encoder)
        column = np.array([self._text.index(name) for name, _ in self._indicators], dtype=np.int64)
        spread = self._node("Gather", ["codes", self._whole_numbers(column)], "spread_codes", axis=1)
        codes = self.constant([vocabulary.index(choice) for _, choice in self._indicators])
        same = self._node("Equal", [spread, codes], "is_choice")
        return self._node("Cast", [same], "indicators", to=TensorProto.FLOAT)

    def _node(self, operator: str, inputs: Sequence[str], output: str, **attributes: Any) -> str:
        self.nodes.append(helper.make_node(operator, list(inputs), [output], name=f"front/{output}", **attributes))
        return output

    def _whole_numbers(self, values: NDArray[np.int64]) -> str:
        name = f"constant_{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(values, name))
        return name

    def _write(self, block: Block) -> str:
        if block.operation == "optional":
            positions = np.array([self._numeric.index(name) for name in block.names], dtype=np.int64)
            return self.emit("Gather", [self._numbers, self._whole_numbers(positions)], axis=1)
        operands = [self.value(part) for part in block.inputs]
        if block.operation in _ELEMENTWISE:
            if len(operands) == 1:
                operands.append(self.constant(block.constants))
            return self.emit(_ELEMENTWISE[block.operation], operands)
        if block.operation == "beside":
            return self.emit("Concat", operands, axis=1)
        (operand,) = operands
        width = block.inputs[0].width
        match block.operation:
            case "combine":
                return self.emit("MatMul", [operand, self.constant(np.array(block.constants)[:, None])])
            case "without":
                none = self.emit("Equal", [operand, self.constant(block.constants)])
                return self.emit("Where", [none, self.constant(np.nan), operand])
            case "filled":
                unknown = self.emit("IsNaN", [operand])
                return self.emit("Where", [unknown, self.constant(block.constants), operand])
            case "missing":
                name = f"missing_{len(self.nodes)}"
                return self._node("Cast", [self.emit("IsNaN", [operand])], name, to=TensorProto.FLOAT)
            case "clip":
                low, high = block.constants
                return self.emit("Clip", [operand, self.constant(low), self.constant(high)])
            case "largest" | "smallest":
                columns = self._whole_numbers(np.array([1], dtype=np.int64))
                return self.emit("ReduceMax" if block.operation == "largest" else "ReduceMin", [operand, columns])
            case "interpolate":
                return self._interpolate(operand, width, np.array(block.constants).reshape(2, -1))
            case "steps":
                levels = np.array(block.constants, dtype=np.float32)
                spread = np.kron(np.eye(width, dtype=np.float32), np.ones((1, len(levels)), dtype=np.float32))
                shifted = self.emit("Gemm", [operand, self.constant(spread), self.constant(np.tile(-levels, width))])
                return self.emit("Clip", [shifted, self.constant(0.0), self.constant(1.0)])
        raise AssertionError(f"{block.operation} is always linear")

    def _interpolate(self, operand: str, width: int, points: NDArray[np.float64]) -> str:
        """Add the first value plus, per segment, its rise times how far x is through it, held to 0..1."""
        positions, values = points
        lengths = np.diff(positions)
        spread = np.kron(np.eye(width), (1 / lengths)[None, :])
        through = self.emit(
            "Gemm", [operand, self.constant(spread), self.constant(np.tile(-positions[:-1] / lengths, width))]
        )
        share = self.emit("Clip", [through, self.constant(0.0), self.constant(1.0)])
        rise = np.kron(np.eye(width), np.diff(values)[:, None])
        return self.emit("Gemm", [share, self.constant(rise), self.constant(np.full(width, values[0]))])
