"""INT8 by static QDQ quantisation.

Static, never dynamic: dynamic scales come from the whole batch, so a score would depend on its
neighbours. Only the model's own layers are quantised; the features before them hold amounts up to
ten million beside shares below one, which eight bits cannot.
"""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnxruntime.quantization import CalibrationDataReader, CalibrationMethod, QuantFormat, QuantType, quantize_static

from scoring.graph import INPUT

MODEL_PREFIX = "model/"
CALIBRATION_BATCH = 256


@contextmanager
def _quiet() -> Iterator[None]:
    """Without the quantiser's advice to pre-process: its pre-processor fails on a free number of rows."""
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(logging.NOTSET)


class _Rows(CalibrationDataReader):  # type: ignore[misc]  # onnxruntime ships no types
    def __init__(self, matrix: NDArray[np.float32]) -> None:
        self._parts: Iterator[dict[str, NDArray[np.float32]]] = iter(
            {INPUT: matrix[start : start + CALIBRATION_BATCH]} for start in range(0, len(matrix), CALIBRATION_BATCH)
        )

    def get_next(self) -> dict[str, NDArray[np.float32]] | None:
        return next(self._parts, None)


def quantisable_nodes(model: onnx.ModelProto) -> list[str]:
    """The Gemm and MatMul nodes that belong to the model, by name; a tree ensemble has none."""
    return [
        node.name
        for node in model.graph.node
        if node.name.startswith(MODEL_PREFIX) and node.op_type in ("Gemm", "MatMul")
    ]


def quantized(content: bytes, matrix: NDArray[np.float32]) -> bytes | None:
    """The INT8 variant of a graph, or None if it has nothing to quantise.

    Args:
        content: the FP32 graph.
        matrix: raw training rows, [rows, columns], that show the ranges of the activations.
    """
    model = onnx.load_from_string(content)
    nodes = quantisable_nodes(model)
    if not nodes:
        return None
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder, "fp32.onnx"), Path(folder, "int8.onnx")
        source.write_bytes(content)
        with _quiet():
            quantize_static(
                source,
                target,
                _Rows(matrix),
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
