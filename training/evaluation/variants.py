"""The variants of one model side by side: the changes that INT8 makes, and the time that it costs or saves."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field
from sklearn.metrics import brier_score_loss, roc_auc_score

from scoring.decision import Variant
from scoring.decision_rules import declined
from scoring.graph import Graph, Inputs
from scoring.models import Content
from scoring.reasons import Explainer
from training.evaluation.timing import least_microseconds, reasons_microseconds
from training.families.family import Labels
from training.limits import Limit
from training.markdown import table
from training.selection import GateResult

BATCHES = {1: 300, 64: 200, 1_024: 60, 65_536: 5}
"""Rows scored at once, and how often; the shortest run counts."""
ROUNDS = 5
"""The variants take turns, so that whatever else the machine does meets all of them."""
LATENCY_BATCH = 64
FASTER = 0.9
"""INT8 serves for a gain that two measurements of the same graph do not differ by."""


class VariantFigures(BaseModel):
    """One variant against FP32, on the test rows."""

    variant: Variant
    bytes: int
    sha256: str
    largest_pd_difference: float
    mean_pd_difference: float
    flipped_decisions: int
    auc: float
    auc_change: float
    brier: float
    brier_change: float
    microseconds: dict[int, float]
    reasons_microseconds: float
    """Standard microseconds (`training.evaluation.timing`) of the exact reasons for one application."""
    gates: list[GateResult] = []


class Benchmark(BaseModel):
    """The table, and the variant that serves."""

    rows: int
    cutoff: float
    variants: list[VariantFigures]
    serving: Variant
    reason: str


class VariantLimits(BaseModel):
    """How far INT8 may be from FP32 and still serve."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    flipped_share: Limit = Field(0.01, description="share of decisions that INT8 changes")
    auc_drop: Limit = Field(0.001, description="AUC that INT8 lacks")
    brier_rise: Limit = Field(0.0005, description="Brier score of INT8 above that of FP32")


def compare_variants(
    contents: Mapping[Variant, Content],
    inputs: Inputs,
    labels: Labels,
    cutoff: float,
    limits: VariantLimits,
) -> Benchmark:
    """Measure each variant on the same rows; INT8 serves only if it is as good and faster.

    Args:
        contents: graph and explain graph by variant, FP32 among them.
        inputs: [rows], as the graphs read them.
        labels: [rows], 0 or 1; both occur.
        cutoff: a PD at or above it declines.
        limits: how far INT8 may be from FP32.
    """
    graphs = {variant: Graph(content.graph) for variant, content in contents.items()}
    reference = graphs["fp32"].score(inputs).astype(np.float64)
    microseconds = _in_turns(graphs, inputs)
    figures = [
        _figures(variant, contents[variant], graph, inputs, labels, cutoff, reference, microseconds[variant])
        for variant, graph in graphs.items()
    ]
    by_variant = {item.variant: item for item in figures}
    serving: Variant = "fp32"
    reason = (
        "there is no INT8 variant: a tree ensemble has no layers to quantise, and one that would treat all alike is "
        "left out"
    )
    if "int8" in by_variant:
        int8, fp32 = by_variant["int8"], by_variant["fp32"]
        int8.gates = [
            _at_most("flipped_share", int8.flipped_decisions / len(labels), limits.flipped_share),
            _at_most("auc_drop", -int8.auc_change, limits.auc_drop),
            _at_most("brier_rise", int8.brier_change, limits.brier_rise),
            *(
                _at_most(f"microseconds_{rows}", int8.microseconds[rows], FASTER * fp32.microseconds[rows])
                for rows in (1, LATENCY_BATCH)
            ),
            _at_most("reasons_microseconds", int8.reasons_microseconds, fp32.reasons_microseconds),
        ]
        failed = [gate.gate for gate in int8.gates if not gate.holds]
        serving = "fp32" if failed else "int8"
        reason = f"INT8 fails {', '.join(failed)}" if failed else "INT8 holds every gate"
    return Benchmark(rows=len(labels), cutoff=cutoff, variants=figures, serving=serving, reason=reason)


def _in_turns(graphs: Mapping[Variant, Graph], inputs: Inputs) -> dict[Variant, dict[int, float]]:
    """Return the shortest run of each variant for each number of rows, in microseconds; they take turns."""
    least: dict[Variant, dict[int, float]] = {variant: dict.fromkeys(BATCHES, np.inf) for variant in graphs}
    for rows, runs in BATCHES.items():
        batch = inputs.resized(rows)
        for _ in range(ROUNDS):
            for variant, graph in graphs.items():
                least[variant][rows] = min(least[variant][rows], least_microseconds(graph, batch, runs // ROUNDS))
    return least


def _figures(
    variant: Variant,
    content: Content,
    graph: Graph,
    inputs: Inputs,
    labels: Labels,
    cutoff: float,
    reference: NDArray[np.float64],
    microseconds: Mapping[int, float],
) -> VariantFigures:
    pd = graph.score(inputs).astype(np.float64)
    difference = np.abs(pd - reference)
    auc, reference_auc = (float(roc_auc_score(labels, values)) for values in (pd, reference))
    brier, reference_brier = (float(brier_score_loss(labels, values)) for values in (pd, reference))
    explainer = Explainer(content.explain)
    compared_with = explainer.reference_for(cutoff)
    return VariantFigures(
        variant=variant,
        bytes=len(content.graph),
        sha256=graph.sha256,
        largest_pd_difference=float(difference.max()),
        mean_pd_difference=float(difference.mean()),
        flipped_decisions=int(np.sum(declined(pd, cutoff) != declined(reference, cutoff))),
        auc=auc,
        auc_change=auc - reference_auc,
        brier=brier,
        brier_change=brier - reference_brier,
        microseconds={rows: round(least, 1) for rows, least in microseconds.items()},
        reasons_microseconds=reasons_microseconds(graph, explainer, inputs[:1], compared_with, cutoff),
    )


def _at_most(name: str, value: float, limit: float) -> GateResult:
    return GateResult(gate=name, value=value, limit=limit, holds=value <= limit)


def markdown(benchmark: Benchmark) -> str:
    """Return the variants side by side as a table, and one line about which of them serves."""
    head = ["variant", "bytes", "largest PD difference", "mean", "flipped", "AUC", "Brier"]
    head += [f"µs, {rows:,} row{'s' if rows > 1 else ''}" for rows in BATCHES]
    head.append("reasons, standard µs")
    rows = [
        [
            item.variant,
            f"{item.bytes:,}",
            f"{item.largest_pd_difference:.2e}",
            f"{item.mean_pd_difference:.2e}",
            f"{item.flipped_decisions} of {benchmark.rows:,}",
            f"{item.auc:.5f} ({item.auc_change:+.5f})",
            f"{item.brier:.5f} ({item.brier_change:+.5f})",
            *(f"{item.microseconds[count]:,.1f}" for count in BATCHES),
            f"{item.reasons_microseconds:,.1f}",
        ]
        for item in benchmark.variants
    ]
    served = f"Cut-off {benchmark.cutoff:g}. {benchmark.serving.upper()} serves: {benchmark.reason}."
    return f"{table(head, rows)}\n{served}\n"
