"""The first part of every graph: feature expressions turned into ONNX nodes.

Training takes its feature matrix from this graph too (`feature_matrix`), so a model is fitted on
the very bits that it will see when it serves.

Every block that is linear in the raw columns (selections, sums, differences, means) comes out of
one MatMul with a constant matrix: one node instead of dozens, and safe in every batch size.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import onnx
import onnxruntime as ort
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from scoring.features import Block
from scoring.graph import INPUT

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
    """An ONNX model whose inputs and outputs are [rows, width] float32."""

    def ports(widths: dict[str, int]) -> list[onnx.ValueInfoProto]:
        return [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["rows", w]) for name, w in widths.items()]

    graph = helper.make_graph(list(nodes), "scorebox", ports(inputs), ports(outputs), list(constants))
    return helper.make_model(
        graph,
        producer_name="scorebox",
        opset_imports=[helper.make_opsetid("", OPSET), helper.make_opsetid("ai.onnx.ml", ML_OPSET)],
        ir_version=IR_VERSION,
    )


def front_graph(blocks: Sequence[Block], columns: Sequence[str]) -> onnx.ModelProto:
    """The graph from the raw columns, in this order, to the blocks' features side by side."""
    writer = _Writer(columns)
    parts = [writer.value(block) for block in blocks]
    writer.emit("Concat", parts, output=FEATURES, axis=1)
    writer.finish_linear()
    width = sum(block.width for block in blocks)
    return build_model(writer.nodes, {INPUT: len(columns)}, {FEATURES: width}, writer.constants)


def feature_names(blocks: Sequence[Block]) -> list[str]:
    """One name per column of the feature matrix."""
    return [name for block in blocks for name in block.names]


def feature_matrix(blocks: Sequence[Block], columns: Sequence[str], matrix: NDArray[np.float32]) -> NDArray[np.float32]:
    """The features of raw rows, [rows, features] float32, computed by the front graph itself."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    session = ort.InferenceSession(
        front_graph(blocks, columns).SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    features: NDArray[np.float32] = session.run([FEATURES], {INPUT: matrix})[0]
    return features


class _Writer:
    """Collects nodes; equal blocks are written once."""

    def __init__(self, columns: Sequence[str]) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []
        self._columns = {name: position for position, name in enumerate(columns)}
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
        """The name of the tensor that holds the block."""
        if id(block) not in self._values:
            self._kept.append(block)
            weights = self._weights(block)
            self._values[id(block)] = self._linear_output(weights) if weights is not None else self._write(block)
        return self._values[id(block)]

    def _weights(self, block: Block) -> NDArray[np.float32] | None:
        """The [raw columns, width] matrix of a block that is linear in the raw columns, else None."""
        if block.operation == "raw":
            weights = np.zeros((len(self._columns), block.width), dtype=np.float32)
            for position, name in enumerate(block.names):
                weights[self._columns[name], position] = 1
            return weights
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

    def finish_linear(self) -> None:
        """Puts the one MatMul, and the Split of its columns, before everything else."""
        blocks = list(self._linear.values())
        weights = self.constant(np.concatenate([matrix for _, matrix in blocks], axis=1))
        sizes = numpy_helper.from_array(np.array([m.shape[1] for _, m in blocks], dtype=np.int64), "linear_widths")
        self.constants.append(sizes)
        product = helper.make_node("MatMul", [INPUT, weights], ["linear"], name="front/linear")
        split = helper.make_node(
            "Split", ["linear", sizes.name], [name for name, _ in blocks], name="front/split", axis=1
        )
        self.nodes[:0] = [product, split]

    def _write(self, block: Block) -> str:
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
            case "clip":
                low, high = block.constants
                return self.emit("Clip", [operand, self.constant(low), self.constant(high)])
            case "largest" | "smallest":
                parts = [f"{operand}_part_{len(self.nodes)}_{position}" for position in range(width)]
                self.nodes.append(
                    helper.make_node("Split", [operand], parts, name=f"front/{parts[0]}", axis=1, num_outputs=width)
                )
                return self.emit("Max" if block.operation == "largest" else "Min", parts)
            case "interpolate":
                return self._interpolate(operand, width, np.array(block.constants).reshape(2, -1))
            case "steps":
                levels = np.array(block.constants, dtype=np.float32)
                spread = np.kron(np.eye(width, dtype=np.float32), np.ones((1, len(levels)), dtype=np.float32))
                shifted = self.emit("Gemm", [operand, self.constant(spread), self.constant(np.tile(-levels, width))])
                return self.emit("Clip", [shifted, self.constant(0.0), self.constant(1.0)])
        raise AssertionError(f"{block.operation} is always linear")

    def _interpolate(self, operand: str, width: int, points: NDArray[np.float64]) -> str:
        """The first value plus, per segment, its rise times how far x is through it, held to 0..1."""
        positions, values = points
        lengths = np.diff(positions)
        spread = np.kron(np.eye(width), (1 / lengths)[None, :])
        through = self.emit(
            "Gemm", [operand, self.constant(spread), self.constant(np.tile(-positions[:-1] / lengths, width))]
        )
        share = self.emit("Clip", [through, self.constant(0.0), self.constant(1.0)])
        rise = np.kron(np.eye(width), np.diff(values)[:, None])
        return self.emit("Gemm", [share, self.constant(rise), self.constant(np.full(width, values[0]))])
