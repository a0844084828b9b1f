"""The time of a scoring in standard microseconds, so that a limit means the same on every machine.

The same graph takes twice as long on one machine as on another, and a limit on the clock would choose the model
by the machine it was trained on. So a yardstick of the same kind of work is timed in the same run: a small fixed
graph of dozens of elementwise nodes and one hidden layer, over as many rows as an explain graph has coalitions.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from functools import cache

import numpy as np
from onnx import helper, numpy_helper

from scoring.graph import INPUT, Graph, Inputs, open_session
from scoring.principal import ReasonChooser
from scoring.reasons import Explainer, Reference
from training.graph.frontend import build_model

PAIRS = 300
"""Runs of what is timed, each with one of the yardstick: clocks change within milliseconds, their ratio does not."""

YARDSTICK_MICROSECONDS = 40.0
"""Standard microseconds that the yardstick takes: the choice of the unit, near a present server's microsecond."""
_ROWS, _COLUMNS, _HIDDEN, _NODES = 64, 24, 64, 32


def least_microseconds(graph: Graph, inputs: Inputs, runs: int) -> float:
    """Return the shortest of `runs` scorings of the rows by this machine's clock, in microseconds."""
    graph.score(inputs)
    return min(_seconds(lambda: graph.score(inputs)) for _ in range(runs)) * 1e6


def standard_microseconds(graph: Graph, inputs: Inputs) -> float:
    """Return the time of scoring the rows, in standard microseconds."""
    return _against_yardstick(lambda: graph.score(inputs))


def reasons_microseconds(
    graph: Graph, explainer: Explainer, applicant: Inputs, reference: Reference, cutoff: float
) -> float:
    """Return the time of the reasons for one applicant, and of the choice of those stated, in standard microseconds."""
    chooser = ReasonChooser(graph, explainer, reference, cutoff)
    pd = graph.score(applicant)
    return _against_yardstick(lambda: chooser.choose(applicant, explainer.explain(applicant, reference), pd))


def _against_yardstick(run: Callable[[], object]) -> float:
    yardstick = _yardstick()
    run()
    ratios = [_seconds(run) / _seconds(yardstick) for _ in range(PAIRS)]
    return round(statistics.median(ratios) * YARDSTICK_MICROSECONDS, 1)


@cache
def _yardstick() -> Callable[[], object]:
    generator = np.random.default_rng(0)
    weights = {
        "scale": generator.uniform(0.5, 1.0, (1, _COLUMNS)),
        "hidden_weights": generator.normal(size=(_COLUMNS, _HIDDEN)),
        "output_weights": generator.normal(size=(_HIDDEN, 1)),
    }
    nodes, value = [], INPUT
    for number in range(_NODES):
        nodes.append(helper.make_node(("Mul", "Add", "Max", "Div")[number % 4], [value, "scale"], [f"value_{number}"]))
        value = f"value_{number}"
    nodes += [
        helper.make_node("MatMul", [value, "hidden_weights"], ["hidden"]),
        helper.make_node("Relu", ["hidden"], ["active"]),
        helper.make_node("MatMul", ["active", "output_weights"], ["result"]),
    ]
    constants = [numpy_helper.from_array(array.astype(np.float32), name) for name, array in weights.items()]
    model = build_model(nodes, {INPUT: _COLUMNS}, {"result": 1}, constants)
    session = open_session(model.SerializeToString())
    rows = {INPUT: generator.uniform(size=(_ROWS, _COLUMNS)).astype(np.float32)}
    return lambda: session.run(["result"], rows)


def _seconds(run: Callable[[], object]) -> float:
    start = time.perf_counter()
    run()
    return time.perf_counter() - start
