"""Decisions by protected group, and the accuracy that protected columns buy."""

from __future__ import annotations

import numpy as np
import pandas as pd
from pydantic import BaseModel
from sklearn.metrics import brier_score_loss, roc_auc_score

from scoring.decision_rules import declined
from scoring.scorecard import Scorecard
from training.evaluation.metrics import PDs
from training.families.family import Labels

AGE_BINS = 5
SMALLEST_GROUP = 30
"""Groups with fewer rows are left out: a rate from less says nothing."""


class GroupRate(BaseModel):
    """How one group of test rows fares at the cut-off."""

    column: str
    group: str
    rows: int
    default_share: float
    mean_pd: float
    approval_rate: float


class Comparison(BaseModel):
    """One model, with or without the protected columns, on the test rows."""

    candidate: str
    protected_fields: bool
    inputs: int
    auc: float
    brier: float
    approval_rate: float
    groups: list[GroupRate]


def compare_groups(
    candidate: str,
    protected_fields: bool,
    inputs: int,
    scorecard: Scorecard,
    test: pd.DataFrame,
    labels: Labels,
    scores: PDs,
) -> Comparison:
    """Return accuracy and approval rate by group of one model's PDs on the test rows."""
    approved = ~declined(scores, scorecard.cutoff)
    groups = []
    for column in sorted(scorecard.protected):
        values = test[column]
        many_numbers = pd.api.types.is_numeric_dtype(values) and values.nunique() > AGE_BINS
        named = pd.qcut(values, AGE_BINS, duplicates="drop", precision=0) if many_numbers else values
        for group in sorted(named.unique()):
            rows = np.asarray(named == group)
            if rows.sum() >= SMALLEST_GROUP:
                groups.append(
                    GroupRate(
                        column=column,
                        group=_name(group),
                        rows=int(rows.sum()),
                        default_share=float(labels[rows].mean()),
                        mean_pd=float(scores[rows].mean()),
                        approval_rate=float(approved[rows].mean()),
                    )
                )
    return Comparison(
        candidate=candidate,
        protected_fields=protected_fields,
        inputs=inputs,
        auc=float(roc_auc_score(labels, scores)),
        brier=float(brier_score_loss(labels, scores)),
        approval_rate=float(approved.mean()),
        groups=groups,
    )


def _name(group: object) -> str:
    return f"above {group.left:.0f} to {group.right:.0f}" if isinstance(group, pd.Interval) else str(group)
