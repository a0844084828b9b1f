"""The ONNX graph of a scorecard: raw columns in, PD out."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from scoring.expected import ExpectedError

COLUMNS_KEY = "scorebox.columns"
"""Metadata entry of a graph: JSON list of its columns of numbers."""
TEXT_COLUMNS_KEY = "scorebox.text_columns"
"""Metadata entry of a graph that reads text: JSON list of its text columns."""
INPUT = "numeric"
"""The graph's input of numbers, [rows, columns] float32; NaN where an optional one is missing."""
TEXT = "text"
"""The graph's input of text, [rows, text columns] strings; empty where one is missing."""
OUTPUT = "pd"
"""The graph's output, [rows, 1] float32 in 0 to 1."""


@dataclass(frozen=True, slots=True, eq=False)
class Inputs:
    """The values of some rows that a graph reads."""

    numeric: NDArray[np.float32]
    """[rows, columns of numbers]."""
    text: NDArray[np.object_] | None = None
    """[rows, text columns] of str; None for a graph that reads none."""
    known: NDArray[np.bool_] | None = None
    """[rows], whether the applicant's history is known; None for a scorecard without one. No graph reads it."""

    def __len__(self) -> int:
        return len(self.numeric)

    def __getitem__(self, rows: slice | NDArray[np.int64] | NDArray[np.bool_]) -> Inputs:
        return Inputs(
            self.numeric[rows],
            None if self.text is None else self.text[rows],
            None if self.known is None else self.known[rows],
        )

    def resized(self, rows: int) -> Inputs:
        """Return the same rows over and over, until there are as many as asked for."""
        return self[np.resize(np.arange(len(self)), rows)]

    def feed(self, ports: Iterable[str]) -> dict[str, NDArray[Any]]:
        """Return the arrays by the names of a graph's inputs."""
        arrays: dict[str, Any] = {INPUT: self.numeric, TEXT: self.text}
        return {name: arrays[name] for name in ports}

    @staticmethod
    def joined(parts: Sequence[Inputs]) -> Inputs:
        """Return the rows of all parts, which are of the same graph, in order."""
        if len(parts) == 1:
            return parts[0]
        texts = [part.text for part in parts if part.text is not None]
        known = [part.known for part in parts if part.known is not None]
        return Inputs(
            np.concatenate([part.numeric for part in parts]),
            np.concatenate(texts) if texts else None,
            np.concatenate(known) if known else None,
        )


class GraphIntegrityError(ExpectedError):
    """A graph's bytes are not those that were recorded, or not a graph of this kind."""


def sha256(content: bytes) -> str:
    """Return the lower-case hexadecimal SHA-256 of bytes."""
    return hashlib.sha256(content).hexdigest()


def open_session(content: bytes, expected_sha256: str | None = None) -> ort.InferenceSession:
    """Return an ONNX Runtime session with one thread, so that the same row always gives the same bits.

    Args:
        content: the ONNX file.
        expected_sha256: what its hash must be.

    Raises:
        GraphIntegrityError: the hash differs, or the file is not an ONNX graph.
    """
    found = sha256(content)
    if expected_sha256 is not None and found != expected_sha256:
        raise GraphIntegrityError(
            f"the graph's sha256 is {found}, but {expected_sha256} was recorded when it was stored; "
            "the file was changed or damaged: push the model again"
        )
    options = ort.SessionOptions()
    # Two threads split a batch differently by its size, and the bits of a tree ensemble's sum with it.
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.execution_mode = ort.ExecutionMode.ORT_SEQUENTIAL
    options.log_severity_level = 3
    try:
        return ort.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # ONNX Runtime's exceptions share no base of their own
        raise GraphIntegrityError(f"the file is not a scorecard's graph: {error}") from error


class Graph:
    """One session of a scorecard's graph.

    Args:
        content: the ONNX file.
        expected_sha256: what its hash must be.

    Raises:
        GraphIntegrityError: the hash differs, or the file is not a scorecard's graph.
    """

    def __init__(self, content: bytes, expected_sha256: str | None = None) -> None:
        self._session = open_session(content, expected_sha256)
        self.sha256 = sha256(content)
        metadata = self._session.get_modelmeta().custom_metadata_map
        try:
            self.numeric_columns: tuple[str, ...] = tuple(json.loads(metadata[COLUMNS_KEY]))
            self.text_columns: tuple[str, ...] = tuple(json.loads(metadata.get(TEXT_COLUMNS_KEY, "[]")))
        except (KeyError, ValueError) as error:
            raise GraphIntegrityError(f"the file is not a scorecard's graph: {error}") from error
        self.ports: list[str] = [port.name for port in self._session.get_inputs()]

    @property
    def columns(self) -> tuple[str, ...]:
        """Every column that the graph reads: numbers, then text."""
        return self.numeric_columns + self.text_columns

    def score(self, inputs: Inputs) -> NDArray[np.float32]:
        """Return the PD of each row, as [rows] float32."""
        if len(inputs) == 0:
            return np.empty(0, dtype=np.float32)
        (pd,) = self._session.run([OUTPUT], inputs.feed(self.ports))
        scored: NDArray[np.float32] = pd[:, 0]
        return scored
