"""Absolute checks of a trained model on its test rows, before it may be pushed.

Nothing is compared with another model here: `training.evaluation.promotion` does that.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

import numpy as np
import pandas as pd
from pydantic import BaseModel, ConfigDict, Field

from scoring.decision import Variant
from scoring.decision_rules import declined
from scoring.graph import Graph, Inputs
from scoring.reasons import Explainer
from scoring.scorecard import Scorecard
from training.evaluation.checks import Check, approval_gaps, at_least, at_most, failed, impact_ratios
from training.evaluation.extremes import WithoutPD, without_pd
from training.evaluation.fairness import GroupRate, compare_groups
from training.evaluation.intervals import Estimate
from training.evaluation.levels import RareLevel
from training.evaluation.metrics import PDs, bootstrap, calibration_error
from training.evaluation.reason_figures import ReasonFigures, reason_figures
from training.evaluation.timing import standard_microseconds
from training.families.family import Labels
from training.limits import Limit, Share

ALONE_ROWS = 256
"""Test rows that are scored one by one."""
BATCH_SIZES = (2, 7, 64, ALONE_ROWS)
LATENCY_ROWS = (1, 256)
MOST_NAMED = 10
ADDITIVITY = 1e-5
"""Log-odds."""


class PromotionLimits(BaseModel):
    """Limits that a model must hold to serve, alone and next to the champion."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    parity: Limit = Field(0.00001, description="largest PD difference of the graph and the fitted model")
    lowest_auc: Share = Field(0.55, description="lower end of the AUC's 95 % interval, at least")
    brier: Limit | None = Field(
        None, description="Brier score; if left out, that of always answering the test rows' share of defaults"
    )
    expected_calibration_error: Limit = Field(0.1, description="ten bins of equal size")
    flipped_share: Limit = Field(0.03, description="share of decisions that differ from those of FP32")
    approval_gap: Limit = Field(0.2, description="highest less lowest approval rate of a protected column's groups")
    microseconds_1: Limit = Field(2_000, description="standard ones, for one row")
    microseconds_256: Limit = Field(20_000, description="standard ones, for 256 rows")
    reasons_reach: Limit = Field(0.8, description="share of declines approved without their stated reasons, at least")
    auc_tolerance: Limit = Field(0.02, description="share of the champion's AUC that a candidate may lack")
    brier_tolerance: Limit = Field(0.005, description="Brier score above the champion's")
    calibration_error_tolerance: Limit = Field(0.03, description="expected calibration error above the champion's")
    approval_gap_tolerance: Limit = Field(0.1, description="approval gap above the champion's, by protected column")


class Figures(BaseModel):
    """How good and how even-handed one graph is on some rows."""

    auc: float
    brier: float
    expected_calibration_error: float
    approval_rate: float
    groups: list[GroupRate]
    """By protected column and group, those of at least `training.evaluation.fairness.SMALLEST_GROUP` rows."""
    approval_gaps: dict[str, float]
    impact_ratios: dict[str, float]
    """For information: no check looks at them."""


class Verification(BaseModel):
    """The verdict on one trained model: `reports/verification.json`.

    `checks` and `holds` are of the variant that serves.
    """

    scorecard: str
    serving: Variant
    graph_sha256: dict[Variant, str]
    rows: int
    holds: bool
    checks: dict[str, Check]
    auc: Estimate
    figures: Figures
    reasons: ReasonFigures
    """The reasons of the variant that serves."""
    rare_levels: list[RareLevel] = []
    """For information: no check looks at them."""
    without_pd: list[WithoutPD] = []
    """Applications whose PD is not from 0 to 1, `MOST_NAMED` of each variant at most."""
    others: dict[Variant, dict[str, Check]] = {}
    """The checks of INT8 where it does not serve. If it fails one, it is not pushed; FP32 is."""

    @property
    def failed_others(self) -> dict[Variant, list[str]]:
        """The variants that do not serve and fail checks, and which."""
        return {variant: names for variant, checks in self.others.items() if (names := failed(checks))}


@dataclasses.dataclass(frozen=True)
class VariantOnRows:
    """One variant of the model and the test rows as its graph reads them."""

    graph: Graph
    explainer: Explainer
    inputs: Inputs


def check_model(
    scorecard: Scorecard,
    variants: Mapping[Variant, VariantOnRows],
    serving: Variant,
    rows: pd.DataFrame,
    own_pd: PDs,
    limits: PromotionLimits,
    *,
    resamples: int,
    seed: int,
) -> Verification:
    """Check every variant of a model on its test rows.

    Args:
        scorecard: the product.
        variants: FP32 and, where there is one, INT8.
        serving: the variant that serves.
        rows: the test rows, with target and protected columns.
        own_pd: [rows], PDs by the fitted model itself, without a graph.
        limits: of the checks.
        resamples: for the AUC's interval.
        seed: of resamples and extreme applications.
    """
    labels: Labels = rows[scorecard.target].to_numpy()
    scores = {name: variant.graph.score(variant.inputs) for name, variant in variants.items()}
    reasons = {
        name: reason_figures(scorecard, variant.graph, variant.explainer, variant.inputs, scorecard.cutoff)
        for name, variant in variants.items()
    }
    measured = figures(scorecard, rows, labels, scores[serving])
    auc = bootstrap(labels, scores[serving], resamples=resamples, seed=seed)["auc"]
    served = variants[serving]
    outside = {
        name: without_pd(scorecard, name, variant.graph, rows, scores[name], seed) for name, variant in variants.items()
    }
    own = {
        name: {
            **_own_checks(variant, reasons[name], len(outside[name])),
            "flipped_share": flipped_check(scores[name], scores["fp32"], scorecard.cutoff, limits),
        }
        for name, variant in variants.items()
    }
    checks = {
        "parity": at_most(
            "largest PD difference of the FP32 graph and the fitted model",
            np.abs(own_pd - scores["fp32"]).max(),
            limits.parity,
        ),
        "alone_and_in_batches": own[serving].pop("alone_and_in_batches"),
        "extremes": own[serving].pop("extremes"),
        "auc": at_least("lower end of the AUC's 95 % interval", auc["low"], limits.lowest_auc),
        "brier": at_most("Brier score", measured.brier, _brier_limit(limits, labels)),
        "expected_calibration_error": at_most(
            "expected calibration error", measured.expected_calibration_error, limits.expected_calibration_error
        ),
        **{
            f"approval_gap_{column}": at_most(f"approval-rate gap by {column}", gap, limits.approval_gap)
            for column, gap in measured.approval_gaps.items()
        },
        "reasons_alone_and_in_batches": own[serving].pop("reasons_alone_and_in_batches"),
        "reasons_add_up": own[serving].pop("reasons_add_up"),
        "reasons_reach": at_least(
            "share of declines that the reference's values in their stated reasons would approve",
            reasons[serving].reached_share,
            limits.reasons_reach,
        ),
        "reasons_contradicted": at_most(
            "stated reasons that the applicant's own fields contradict", reasons[serving].contradicted, 0.0
        ),
        "reasons_unspoken_gaps": at_most(
            "declines that one missing field would make approvals, with no reason that speaks of it",
            reasons[serving].unspoken_gaps,
            0.0,
        ),
        **own[serving],
        **time_checks(served.graph, served.inputs, limits),
    }
    if serving != "fp32":
        # INT8 is made of it, and SCOREBOX_VARIANT may choose it.
        checks |= {f"fp32_{name}": check for name, check in own["fp32"].items()}
    return Verification(
        scorecard=scorecard.name,
        serving=serving,
        graph_sha256={name: variant.graph.sha256 for name, variant in variants.items()},
        rows=len(rows),
        holds=not failed(checks),
        checks=checks,
        auc=auc,
        figures=measured,
        reasons=reasons[serving],
        without_pd=[one for some in outside.values() for one in some[:MOST_NAMED]],
        others={name: found for name, found in own.items() if name not in (serving, "fp32")},
    )


def _own_checks(variant: VariantOnRows, reasons: ReasonFigures, outside: int) -> dict[str, Check]:
    """Return the checks that each variant must hold by itself."""
    return {
        "alone_and_in_batches": at_most(
            "largest PD difference of a row alone and in batches", _batch_difference(variant.graph, variant.inputs), 0.0
        ),
        "extremes": at_most("test rows and extreme but valid applications without a PD in 0 to 1", outside, 0.0),
        "reasons_alone_and_in_batches": at_most(
            "largest difference of a contribution to a row's log-odds alone and in batches",
            _reason_difference(variant.explainer, variant.inputs),
            0.0,
        ),
        "reasons_add_up": at_most(
            "largest difference of contributions in sum from a row's log-odds less the reference's",
            reasons.additivity,
            ADDITIVITY,
        ),
    }


def figures(
    scorecard: Scorecard, rows: pd.DataFrame, labels: Labels, scores: PDs, cutoff: float | None = None
) -> Figures:
    """Return the figures of one model's PDs, decided at its own cut-off, by default the scorecard's.

    Args:
        scorecard: the product.
        rows: with the protected columns.
        labels: [rows], 0 or 1; both occur.
        scores: [rows].
        cutoff: a PD at or above it declines.
    """
    card = scorecard if cutoff is None else dataclasses.replace(scorecard, cutoff=cutoff)
    result = compare_groups(scorecard.name, False, 0, card, rows, labels, scores)
    return Figures(
        auc=result.auc,
        brier=result.brier,
        expected_calibration_error=calibration_error(labels, scores),
        approval_rate=result.approval_rate,
        groups=result.groups,
        approval_gaps=approval_gaps(result.groups),
        impact_ratios=impact_ratios(result.groups),
    )


def _brier_limit(limits: PromotionLimits, labels: Labels) -> float:
    """Return the highest Brier score: the stated one, or that of always answering the share of defaults."""
    share = float(labels.mean())
    return share * (1 - share) if limits.brier is None else limits.brier


def flipped_check(scores: PDs, fp32: PDs, cutoff: float, limits: PromotionLimits) -> Check:
    """Check how many decisions of a variant differ from those of FP32.

    Args:
        scores: [rows], of the variant.
        fp32: [rows].
        cutoff: a PD at or above it declines.
        limits: of the checks.
    """
    flipped = float(np.mean(declined(scores, cutoff) != declined(fp32, cutoff)))
    return at_most("share of decisions that differ from those of FP32", flipped, limits.flipped_share)


def time_checks(graph: Graph, inputs: Inputs, limits: PromotionLimits) -> dict[str, Check]:
    """Check the time of the variant that serves, on rows as it reads them."""
    checks = {}
    for count, limit in zip(LATENCY_ROWS, (limits.microseconds_1, limits.microseconds_256), strict=True):
        time = standard_microseconds(graph, inputs.resized(count))
        what = f"standard µs for {count} row{'s' if count > 1 else ''}"
        checks[f"microseconds_{count}"] = at_most(what, time, limit)
    return checks


def _batch_difference(graph: Graph, inputs: Inputs) -> float:
    """Return the largest PD difference of the first rows alone, in batches, and among all rows."""
    first = inputs[:ALONE_ROWS]
    alone = np.concatenate([graph.score(first[row : row + 1]) for row in range(len(first))])
    whole = graph.score(inputs)[: len(alone)]
    batched = [
        np.concatenate([graph.score(first[start : start + size]) for start in range(0, len(first), size)])
        for size in BATCH_SIZES
    ]
    return max(float(np.abs(alone - other).max()) for other in (whole, *batched))


def _reason_difference(explainer: Explainer, inputs: Inputs) -> float:
    """Return the largest difference of a contribution of the first rows alone and among all rows, in log-odds."""
    reference = explainer.references[0]
    whole = explainer.contributions(inputs, reference)
    alone = [explainer.contributions(inputs[row : row + 1], reference) for row in range(min(ALONE_ROWS, len(inputs)))]
    return float(np.abs(whole[: len(alone)] - np.concatenate(alone)).max())
