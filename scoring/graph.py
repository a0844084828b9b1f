"""The ONNX graph of a scorecard: raw columns in, PD out."""

from __future__ import annotations

import hashlib
import json

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

COLUMNS_KEY = "scorebox.columns"
"""Metadata entry of a graph: JSON list of its input columns."""
INPUT = "numeric"
"""The graph's input, [rows, columns] float32."""
OUTPUT = "pd"
"""The graph's output, [rows, 1] float32 in 0 to 1."""


class GraphIntegrityError(RuntimeError):
    """A graph's bytes are not those that were recorded, or not a graph of this kind."""


def sha256(content: bytes) -> str:
    """The lower-case hexadecimal SHA-256 of bytes."""
    return hashlib.sha256(content).hexdigest()


class Graph:
    """One ONNX Runtime session with one thread, so that the same row always gives the same bits.

    Args:
        content: the ONNX file.
        expected_sha256: what its hash must be.

    Raises:
        GraphIntegrityError: the hash differs, or the file is not a scorecard's graph.
    """

    def __init__(self, content: bytes, expected_sha256: str | None = None) -> None:
        self.sha256 = sha256(content)
        if expected_sha256 is not None and self.sha256 != expected_sha256:
            raise GraphIntegrityError(
                f"the graph's sha256 is {self.sha256}, but {expected_sha256} was recorded when it was stored; "
                "the file was changed or damaged: push the model again"
            )
        options = ort.SessionOptions()
        # Two threads split a batch differently by its size, and the bits of a tree ensemble's sum with it.
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.execution_mode = ort.ExecutionMode.ORT_SEQUENTIAL
        options.log_severity_level = 3
        try:
            self._session = ort.InferenceSession(content, options, providers=["CPUExecutionProvider"])
            self.columns: tuple[str, ...] = tuple(
                json.loads(self._session.get_modelmeta().custom_metadata_map[COLUMNS_KEY])
            )
        except Exception as error:  # ONNX Runtime's exceptions share no base of their own
            raise GraphIntegrityError(f"the file is not a scorecard's graph: {error}") from error

    def score(self, matrix: NDArray[np.float32]) -> NDArray[np.float32]:
        """The PD of each row of a [rows, columns] float32 matrix, as [rows] float32."""
        if len(matrix) == 0:
            return np.empty(0, dtype=np.float32)
        (pd,) = self._session.run([OUTPUT], {INPUT: matrix})
        scored: NDArray[np.float32] = pd[:, 0]
        return scored
