"""The peer of the benchmark: a portfolio scored by a short script of pandas and ONNX Runtime.

It reads only what it needs and writes the key, the PD and the verdict. It checks nothing, has no
points, bands or rejects, and holds everything in memory.
"""

from __future__ import annotations

import numpy as np
import onnxruntime as ort
import pandas as pd

CHUNK = 4096
"""Rows of one session call, as in Scorebox; the speed is best there."""


def score(graph: bytes, columns: list[str], key: str, cutoff: float, source: str, output: str) -> int:
    """Score a Parquet file and return the number of its rows."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    session = ort.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name

    frame = pd.read_parquet(source, columns=[key, *columns])
    matrix = frame[columns].to_numpy(dtype=np.float32)
    parts = [session.run(["pd"], {name: matrix[row : row + CHUNK]})[0] for row in range(0, len(matrix), CHUNK)]
    scored = frame[[key]].assign(pd=np.concatenate(parts)[:, 0])
    scored["declined"] = scored["pd"] >= cutoff
    scored.to_parquet(output, index=False)
    return len(scored)
