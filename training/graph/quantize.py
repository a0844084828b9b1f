"""INT8 by static QDQ quantisation.

Static, never dynamic: dynamic scales come from the whole batch, so a score would depend on its
neighbours. Only the model's own layers are quantised; the features before them hold amounts up to
ten million next to shares below one, which eight bits cannot.
"""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import onnx
from numpy.typing import NDArray
from onnxruntime.quantization import CalibrationDataReader, CalibrationMethod, QuantFormat, QuantType, quantize_static

from scoring.disk import writing
from scoring.graph import Inputs

MODEL_PREFIX = "model/"
CALIBRATION_BATCH = 256


@contextmanager
def _quiet() -> Iterator[None]:
    """Silence the quantiser's advice to pre-process: its pre-processor fails on a free number of rows."""
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(logging.NOTSET)


class _Rows(CalibrationDataReader):  # type: ignore[misc]  # onnxruntime ships no types
    def __init__(self, inputs: Inputs, ports: list[str]) -> None:
        self._parts: Iterator[dict[str, NDArray[Any]]] = iter(
            inputs[start : start + CALIBRATION_BATCH].feed(ports) for start in range(0, len(inputs), CALIBRATION_BATCH)
        )

    def get_next(self) -> dict[str, NDArray[Any]] | None:
        return next(self._parts, None)


def quantisable_nodes(model: onnx.ModelProto) -> list[str]:
    """Return the Gemm and MatMul nodes that belong to the model, by name; a tree ensemble has none."""
    return [
        node.name
        for node in model.graph.node
        if node.name.startswith(MODEL_PREFIX) and node.op_type in ("Gemm", "MatMul")
    ]


def quantized(content: bytes, inputs: Inputs) -> bytes | None:
    """Return the INT8 variant of a graph, or None if it has nothing to quantise.

    Args:
        content: the FP32 graph.
        inputs: raw training rows that show the ranges of the activations.
    """
    model = onnx.load_from_string(content)
    nodes = quantisable_nodes(model)
    if not nodes:
        return None
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder, "fp32.onnx"), Path(folder, "int8.onnx")
        with _quiet(), writing(folder):
            source.write_bytes(content)
            quantize_static(
                source,
                target,
                _Rows(inputs, [port.name for port in model.graph.input]),
                quant_format=QuantFormat.QDQ,
                nodes_to_quantize=nodes,
                per_channel=True,
                activation_type=QuantType.QUInt8,
                weight_type=QuantType.QInt8,
                calibrate_method=CalibrationMethod.MinMax,
            )
        result = onnx.load(target)
    del result.metadata_props[:]
    result.metadata_props.extend(model.metadata_props)
    result.producer_name, result.producer_version = model.producer_name, ""
    del result.graph.value_info[:]
    quantised: bytes = result.SerializeToString(deterministic=True)
    return quantised
