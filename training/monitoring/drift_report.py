"""The verdict on drift: features and scores of applications next to those of the training rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

import numpy as np
import pandas as pd
from pydantic import BaseModel, ConfigDict, Field

from scoring.scorecard import Scorecard
from training.evaluation.metrics import PDs
from training.limits import Share
from training.monitoring.drift import SHIFTED, ColumnDrift, compare_column, drifted_share

DriftStatus = Literal["stable", "retraining due", "too few rows"]
MOST_CODES = 20
"""Whole numbers of at most this many different values in the reference are codes, and compared as categories."""
SCORE = "PD"


class DriftLimits(BaseModel):
    """When `scorebox drift` says that retraining is due."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    share: Share = Field(0.3, description="share of the features that have drifted: retraining is due")
    psi: Annotated[float, Field(gt=0)] = Field(
        SHIFTED, description="PSI of a feature that counts as drifted, and of the score"
    )
    least_rows: Annotated[int, Field(ge=1)] = Field(500, description="applications; of fewer no verdict is given")


class Reference(BaseModel):
    """The training rows that the applications are compared with."""

    rows: int
    compared: int
    data_sha256: str
    sample: bool
    """True for data that the project made up itself."""


class RowCounts(BaseModel):
    """The applications that are compared."""

    source: str
    found: int
    compared: int
    erased: int
    """Decisions that were left out, since their applications are no longer in the journal."""
    since: str | None
    until: str | None
    """When the first and the last decision were made; None for a file."""


class ScoreDrift(BaseModel):
    """The PDs of one model next to those that it gives the training rows."""

    model: str
    rows: int
    drift: ColumnDrift | None
    note: str
    """Why there is no figure, or why it does not count, or what is to be known of it; may be empty."""
    counts: bool
    """Whether the verdict looks at it."""


class DriftReport(BaseModel):
    """The verdict, and all that it rests on."""

    scorecard: str
    profile: str
    verdict: DriftStatus
    due: bool
    because: list[str]
    """The reasons of the verdict, in sentences."""
    model: str
    """The model that serves; its graph's columns are the features."""
    limits: DriftLimits
    share: float
    """Share of the features that are shifted or missing."""
    score_psi: float | None
    """The largest of those that count."""
    rows: RowCounts
    reference: Reference
    scores: list[ScoreDrift]
    features: list[ColumnDrift]
    """The largest PSI first."""
    protected: list[ColumnDrift]
    """For information: no verdict looks at them."""
    not_compared: list[str]
    """Columns of the history that a file does not have."""
    checked_at: str


def compare_features(
    scorecard: Scorecard, columns: Sequence[str], reference: pd.DataFrame, current: pd.DataFrame, limits: DriftLimits
) -> list[ColumnDrift]:
    """Compare columns of applications with those of training rows, each in the type in which the graph reads it.

    Args:
        scorecard: whose rules tell numbers, codes and texts apart.
        columns: in both frames.
        reference: training rows.
        current: applications, at least one.
        limits: of the PSI.
    """
    return [_compare_feature(scorecard, column, reference, current, limits) for column in columns]


def _compare_feature(
    scorecard: Scorecard, column: str, reference: pd.DataFrame, current: pd.DataFrame, limits: DriftLimits
) -> ColumnDrift:
    rule = next((rule for rule in scorecard.rules if rule.column == column), None)
    is_text = rule is not None and rule.kind == "text"
    before, now = (side[column].astype(object if is_text else np.float32) for side in (reference, current))
    is_code = rule is not None and rule.kind == "integer" and before.nunique() <= MOST_CODES
    return compare_column(column, "category" if is_text or is_code else "number", before, now, limits.psi)


def compare_score(
    model: str, current: PDs, reference: PDs, limits: DriftLimits, *, is_of_other_data: bool
) -> ScoreDrift:
    """Compare the PDs that a model gave applications with those that it gives the training rows.

    Args:
        model: its tag.
        current: [applications], at least one.
        reference: [training rows], at least one.
        limits: of the PSI, and of the applications below which it does not count.
        is_of_other_data: whether the model was trained on other data than these training rows.
    """
    rows = len(current)
    notes = []
    if rows < limits.least_rows:
        notes.append(f"does not count: fewer than {limits.least_rows:,} rows")
    if is_of_other_data:
        notes.append("was trained on other data than these training rows")
    return ScoreDrift(
        model=model,
        rows=rows,
        drift=compare_column(SCORE, "number", pd.Series(reference), pd.Series(current), limits.psi),
        note="; ".join(notes),
        counts=rows >= limits.least_rows,
    )


def judge_drift(
    rows: int, features: Sequence[ColumnDrift], scores: Sequence[ScoreDrift], limits: DriftLimits
) -> tuple[DriftStatus, list[str]]:
    """Return the verdict, and the reasons for it in sentences.

    Args:
        rows: applications.
        features: the columns that the verdict looks at.
        scores: of every model; those that do not count are passed over.
        limits: of rows, share and PSI.
    """
    if rows < limits.least_rows:
        return "too few rows", [f"{rows:,} applications; fewer than {limits.least_rows:,} give no verdict."]
    share = drifted_share(features)
    drifted = sum(column.drifted for column in features)
    due = share >= limits.share
    of_all = f"{drifted} of {len(features)} features ({share:.1%}) have drifted"
    because = [f"{of_all}; retraining is due from {limits.share:.0%} on."]
    for score in scores:
        if score.drift is None or not score.counts:
            continue
        due |= score.drift.drifted
        because.append(
            f"The score's PSI is {score.drift.psi:.3f} for {score.model}; retraining is due from {limits.psi:g} on."
        )
    return "retraining due" if due else "stable", because
