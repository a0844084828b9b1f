"""Reasons: what each group of columns adds to an applicant's log-odds of default.

The contributions are exact Shapley values against a reference applicant just below the cut-off, computed by a
graph of its own (`training/graph/explain.py`): what stood between this applicant and approval. They add up to the
difference between the log-odds of the two. Where calibration is isotonic, the log-odds are the model's own,
before its curve, which changes no order. `scoring.principal` chooses which reasons are stated, and in which words.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scoring.decision_rules import declined
from scoring.graph import COLUMNS_KEY, INPUT, TEXT, TEXT_COLUMNS_KEY, GraphIntegrityError, Inputs, open_session, sha256
from scoring.scorecard import PROTECTED_GROUP
from scoring.statements import GraphStatements

GROUPS_KEY = "scorebox.reason_groups"
"""Metadata entry of an explain graph: JSON list of its groups' codes."""
REFERENCES_KEY = "scorebox.references"
"""Metadata entry of an explain graph: JSON list of references, `pd` rising; see `Reference`."""
EXPLAINED_KEY = "scorebox.graph_sha256"
"""Metadata entry of an explain graph: the hash of the PD graph that it explains."""
STATEMENTS_KEY = "scorebox.statements"
"""Metadata entry of an explain graph: what its reasons may say, as `GraphStatements` has it; older graphs lack it."""
REFERENCE_INPUT = "reference_numeric"
"""The reference applicant's numbers, [1, columns] float32."""
REFERENCE_TEXT = "reference_text"
"""The reference applicant's texts, [1, text columns] strings."""
CONTRIBUTIONS = "contributions"
"""Output of an explain graph, [rows, groups] float32."""
VALUES = "values"
"""Output of an explain graph, [rows, 2^groups] float32: the log-odds with the reference's values in some groups.

Bit g of a position says that group g has the applicant's own; the first is the reference, the last the applicant.
"""
COALITION_ROWS = 1_024
"""Rows that one session call may put together: what they become in between stays in a processor's cache."""

_OUTPUTS = [CONTRIBUTIONS, VALUES]

Contributions = NDArray[np.float32]
"""[rows, groups], log-odds: above 0 where the group speaks for a default."""
Values = NDArray[np.float32]
"""[rows, 2^groups], as the output `VALUES`."""


@dataclass(frozen=True, eq=False)
class Reference:
    """A made-up applicant, typical of those who have about the same PD.

    `values` has the columns that the graph reads, numbers first; None where one is missing.
    """

    pd: float
    values: Mapping[str, float | str | None]
    inputs: Inputs
    """The same as one row of the graph."""

    @classmethod
    def of(cls, pd: float, inputs: Inputs, numeric: Sequence[str], text: Sequence[str]) -> Reference:
        """Return one row of a graph with these columns, and its PD."""
        numbers = inputs.numeric[0].tolist()
        texts = [] if inputs.text is None else inputs.text[0].tolist()
        known = [None if math.isnan(number) else number for number in numbers] + [text or None for text in texts]
        return cls(pd, dict(zip((*numeric, *text), known, strict=True)), inputs)

    @classmethod
    def from_json(cls, entry: Mapping[str, Any], numeric: Sequence[str], text: Sequence[str]) -> Reference:
        """Return the reference that `to_json` wrote."""
        values: dict[str, float | str | None] = entry["values"]
        numbers = np.array([[values[name] for name in numeric]], dtype=np.float32)
        texts = np.array([[values[name] or "" for name in text]], dtype=object) if text else None
        return cls(entry["pd"], values, Inputs(numbers, texts))

    def to_json(self) -> dict[str, Any]:
        """Return PD and values; a float32 is kept exactly."""
        return {"pd": self.pd, "values": dict(self.values)}


@dataclass(frozen=True, eq=False)
class Explanation:
    """The explanation of some rows' log-odds."""

    contributions: Contributions
    reference_log_odds: NDArray[np.float32]
    """[rows], the same in each."""
    log_odds: NDArray[np.float32]
    """[rows]. A row's contributions add up to what is between these two."""
    values: Values
    """[rows, 2^groups], the log-odds of every coalition."""

    def __getitem__(self, rows: NDArray[np.bool_]) -> Explanation:
        return Explanation(
            self.contributions[rows], self.reference_log_odds[rows], self.log_odds[rows], self.values[rows]
        )


class Explainer:
    """One session of an explain graph.

    Args:
        content: the ONNX file.
        expected_sha256: what its hash must be.

    Raises:
        GraphIntegrityError: the hash differs, or the file is not an explain graph.
    """

    def __init__(self, content: bytes, expected_sha256: str | None = None) -> None:
        self._session = open_session(content, expected_sha256)
        self.sha256 = sha256(content)
        metadata = self._session.get_modelmeta().custom_metadata_map
        try:
            self.groups: tuple[str, ...] = tuple(json.loads(metadata[GROUPS_KEY]))
            self.explains: str = metadata[EXPLAINED_KEY]
            columns = (json.loads(metadata[COLUMNS_KEY]), json.loads(metadata.get(TEXT_COLUMNS_KEY, "[]")))
            self.numeric_columns: tuple[str, ...] = tuple(columns[0])
            self.text_columns: tuple[str, ...] = tuple(columns[1])
            self.references: list[Reference] = [
                Reference.from_json(entry, *columns) for entry in json.loads(metadata[REFERENCES_KEY])
            ]
            statements = metadata.get(STATEMENTS_KEY)
            self.statements = None if statements is None else GraphStatements.from_json(statements)
        except (KeyError, ValueError) as error:
            raise GraphIntegrityError(f"the file is not an explain graph: {error}") from error
        self._ports = [port.name for port in self._session.get_inputs()]
        self.statable = len(self.groups) - (PROTECTED_GROUP in self.groups)
        """How many groups may be stated, from the first on: protected columns are the last group."""
        self._coalitions = 2 ** len(self.groups)
        self._chunk = max(1, COALITION_ROWS // self._coalitions)

    def reference_for(self, cutoff: float) -> Reference:
        """Return the reference with the highest PD that is approved at this cut-off.

        Raises:
            LookupError: every one is declined.
        """
        approved = [reference for reference in self.references if not declined(reference.pd, cutoff)]
        if not approved:
            raise LookupError(f"no reference applicant has a PD below the cut-off {cutoff:g}")
        return max(approved, key=lambda reference: reference.pd)

    def contributions(self, inputs: Inputs, reference: Reference) -> Contributions:
        """Return how much each group adds to each row's log-odds against the reference's, [rows, groups]."""
        return self.explain(inputs, reference).contributions

    def explain(self, inputs: Inputs, reference: Reference) -> Explanation:
        """Return contributions and log-odds of each row."""
        feeds: dict[str, Any] = {REFERENCE_INPUT: reference.inputs.numeric, REFERENCE_TEXT: reference.inputs.text}
        parts: list[tuple[Contributions, Values]] = []
        for start in range(0, len(inputs), self._chunk):
            rows = inputs if len(inputs) <= self._chunk else inputs[start : start + self._chunk]
            feeds |= {INPUT: rows.numeric, TEXT: rows.text}
            parts.append(self._session.run(_OUTPUTS, {port: feeds[port] for port in self._ports}))
        if len(parts) == 1:
            ((contributions, values),) = parts
        else:
            nothing = np.empty((0, len(self.groups)), dtype=np.float32), np.empty((0, self._coalitions), np.float32)
            contributions, values = (np.concatenate(arrays) for arrays in zip(nothing, *parts, strict=True))
        return Explanation(contributions, values[:, 0], values[:, -1], values)
