"""The explain graph: the contribution of each reason group to one applicant's log-odds.

Exact Shapley values over the groups (Shapley, A Value for n-Person Games, 1953): the contribution of a group
is the mean, over all orders in which the groups could be taken from the reference applicant to this one, of
what the log-odds gain when the group is taken. With G groups that is a weighted sum over all 2^G coalitions
S of v(S), the log-odds of an application with the applicant's values in the groups of S and the reference
applicant's in the others:

    contribution(g) = sum over S without g of |S|! (G - |S| - 1)! / G! * (v(S + g) - v(S))

The graph is made from the bytes of the PD graph. It puts each row's coalitions together, scores them by the
PD graph's own nodes, up to the log-odds, and multiplies by the weights.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from math import factorial
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from scoring.graph import COLUMNS_KEY, INPUT, TEXT, TEXT_COLUMNS_KEY, Graph, Inputs, sha256
from scoring.models import Content
from scoring.reasons import (
    CONTRIBUTIONS,
    EXPLAINED_KEY,
    GROUPS_KEY,
    REFERENCE_INPUT,
    REFERENCE_TEXT,
    REFERENCES_KEY,
    STATEMENTS_KEY,
    VALUES,
    Reference,
)
from scoring.scorecard import PROTECTED_GROUP, ReasonGroup, Scorecard
from scoring.statements import GraphStatements, graph_statements
from training.families.family import LOG_ODDS, Features
from training.graph.frontend import build_model
from training.graph.references import reference_ladder

PREFIX = "explain/"


def with_explain_graph(scorecard: Scorecard, content: bytes, inputs: Inputs, features: Features) -> Content:
    """Return a PD graph with its explain graph, whose reference applicants are made of these training rows.

    Raises:
        DataError: none of them would be approved.
    """
    sentinels = {rule.column: rule.sentinels for rule in scorecard.rules if rule.sentinels}
    references = reference_ladder(Graph(content), inputs, features, scorecard.cutoff, sentinels)
    return Content(content, explain_graph(content, scorecard, references))


def groups_read(scorecard: Scorecard, columns: Sequence[str]) -> tuple[ReasonGroup, ...]:
    """Return the reason groups of a graph that reads these columns, each with those columns only.

    Groups of which it reads nothing are left out; protected columns that it reads are one group more, the last.
    """
    protected = ReasonGroup(PROTECTED_GROUP, "", tuple(scorecard.protected))
    return tuple(
        replace(group, columns=read)
        for group in (*scorecard.reasons, protected)
        if (read := tuple(column for column in columns if column in group.columns))
    )


def statements_read(scorecard: Scorecard, columns: Sequence[str]) -> GraphStatements:
    """Return what the reasons of a graph that reads these columns may say, by the scorecard as it is now."""
    fillable = [rule.column for rule in scorecard.rules if scorecard.may_be_missing(rule)]
    groups = [(group.columns, group.statements) for group in groups_read(scorecard, columns)]
    return graph_statements(groups, scorecard.rules, fillable)


def coalitions(groups: int) -> NDArray[np.bool_]:
    """Return every subset of the groups, [2^groups, groups]; the first is empty, the last has all."""
    numbers = np.arange(2**groups)[:, None]
    return np.asarray(numbers >> np.arange(groups) & 1, dtype=np.bool_)


def shapley_weights(groups: int) -> NDArray[np.float64]:
    """Return the weight of each coalition's value in the contribution of each group, [2^groups, groups]."""
    members = coalitions(groups)
    sizes = members.sum(axis=1, keepdims=True)
    weight = np.array([factorial(size) * factorial(groups - size - 1) / factorial(groups) for size in range(groups)])
    # What a group gains by joining S counts for S with it, and against S without it.
    joined, apart = weight[np.maximum(sizes - 1, 0)], weight[np.minimum(sizes, groups - 1)]
    return np.asarray(np.where(members, joined, -apart))


def explain_graph(content: bytes, scorecard: Scorecard, references: Sequence[Reference] = ()) -> bytes:
    """Return the explain graph of a PD graph, of any family and variant.

    Args:
        content: the PD graph.
        scorecard: whose reason groups these are.
        references: the applicants to compare with; see `training.graph.references`.
    """
    model = onnx.load_from_string(content)
    metadata = {entry.key: entry.value for entry in model.metadata_props}
    numeric: list[str] = json.loads(metadata[COLUMNS_KEY])
    text: list[str] = json.loads(metadata.get(TEXT_COLUMNS_KEY, "[]"))
    groups = groups_read(scorecard, [*numeric, *text])
    writer = _Writer(model.graph)
    if numeric:
        writer.mix(INPUT, REFERENCE_INPUT, _mask(groups, numeric))
    if text:
        writer.mix_text(_mask(groups, text))
    log_odds = writer.body()
    writer.weigh(log_odds, len(groups))
    widths = {INPUT: len(numeric), TEXT: len(text), REFERENCE_INPUT: len(numeric), REFERENCE_TEXT: len(text)}
    explained = build_model(
        writer.nodes,
        {name: width for name, width in widths.items() if width},
        {CONTRIBUTIONS: len(groups), VALUES: 2 ** len(groups)},
        writer.constants,
    )
    # A model's own operators stay what they were.
    del explained.opset_import[:]
    explained.opset_import.extend(model.opset_import)
    explained.ir_version = model.ir_version
    kept = {key: metadata[key] for key in (COLUMNS_KEY, TEXT_COLUMNS_KEY) if key in metadata}
    properties = {
        **kept,
        GROUPS_KEY: json.dumps([group.code for group in groups]),
        REFERENCES_KEY: json.dumps([reference.to_json() for reference in references], allow_nan=False),
        EXPLAINED_KEY: sha256(content),
        STATEMENTS_KEY: statements_read(scorecard, [*numeric, *text]).to_json(),
    }
    helper.set_model_props(explained, properties)
    onnx.checker.check_model(explained, full_check=True)
    written: bytes = explained.SerializeToString(deterministic=True)
    return written


def _mask(groups: Sequence[ReasonGroup], columns: Sequence[str]) -> NDArray[np.bool_]:
    """Return which columns come from the applicant in each coalition, [coalitions, columns]."""
    of = {column: position for position, group in enumerate(groups) for column in group.columns}
    return coalitions(len(groups))[:, [of[column] for column in columns]]


class _Writer:
    """Collects the nodes of the explain graph, in order."""

    def __init__(self, graph: onnx.GraphProto) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []
        self._graph = graph
        self._mixed: dict[str, str] = {}
        """The PD graph's tensors that coalitions stand for, by name."""

    def mix(self, applicant: str, reference: str, mask: NDArray[np.bool_]) -> None:
        """Add nodes from applicants [rows, columns] and the reference [1, columns] to [rows * coalitions, columns]."""
        name = f"{PREFIX}{applicant}"
        each = self._node("Unsqueeze", [applicant, self._constant(f"{name}/axis", np.array([1]))], f"{name}/rows")
        chosen = self._node("Where", [self._constant(f"{name}/mask", mask), each, reference], f"{name}/coalitions")
        shape = self._constant(f"{name}/shape", np.array([-1, mask.shape[1]]))
        self._mixed[applicant] = self._node("Reshape", [chosen, shape], name)

    def mix_text(self, mask: NDArray[np.bool_]) -> None:
        """Add the same nodes for text, once it is codes: strings would be copied one by one."""
        (encoder,) = (node for node in self._graph.node if TEXT in node.input)
        (codes,) = encoder.output
        of_reference = f"{PREFIX}{codes}/reference"
        other = onnx.NodeProto()
        other.CopyFrom(encoder)
        other.name, other.input[0], other.output[0] = of_reference, REFERENCE_TEXT, of_reference
        self.nodes += [encoder, other]
        self.mix(codes, of_reference, mask)

    def body(self) -> str:
        """Add the PD graph's nodes up to its log-odds, reading coalitions; return the name of the log-odds."""
        log_odds = self._last_log_odds()
        needed, found = [], {log_odds}
        for node in reversed(self._graph.node):
            if found & set(node.output) and not set(node.output) & set(self._mixed):
                needed.append(node)
                found |= set(node.input)
        for node in reversed(needed):
            inner = onnx.NodeProto()
            inner.CopyFrom(node)
            for position, name in enumerate(node.input):
                inner.input[position] = self._mixed.get(name, name)
            self.nodes.append(inner)
        self.constants += [constant for constant in self._graph.initializer if constant.name in found]
        return log_odds

    def _last_log_odds(self) -> str:
        """Return the tensor that calibration reads: INT8 rounds the log-odds first."""
        name = LOG_ODDS
        while after := [node for node in self._graph.node if name in node.input and "eLinear" in node.op_type]:
            name = after[0].output[0]
        return name

    def weigh(self, log_odds: str, groups: int) -> None:
        """Add nodes from log-odds [rows * coalitions, 1] to values and contributions.

        In double: float32 would lose in the sum over the coalitions what is left of it.
        """
        shape = self._constant(f"{PREFIX}shape", np.array([-1, 2**groups]))
        values = self._node("Reshape", [log_odds, shape], VALUES)
        exact = self._node("Cast", [values], f"{PREFIX}exact", to=TensorProto.DOUBLE)
        weights = self._constant(f"{PREFIX}weights", shapley_weights(groups))
        product = self._node("MatMul", [exact, weights], f"{PREFIX}product")
        self._node("Cast", [product], CONTRIBUTIONS, to=TensorProto.FLOAT)

    def _constant(self, name: str, values: NDArray[Any]) -> str:
        self.constants.append(numpy_helper.from_array(values, name))
        return name

    def _node(self, operator: str, inputs: Sequence[str], output: str, **attributes: Any) -> str:
        self.nodes.append(helper.make_node(operator, list(inputs), [output], name=output, **attributes))
        return output
