"""Figures of a model's reasons on some rows: how they are spread, and whether they hold what they say."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel

from scoring.decision_rules import declined
from scoring.graph import Graph, Inputs
from scoring.reasons import Explainer, Reference
from scoring.scorecard import Scorecard
from training.graph.explain import groups_read


class GroupFigures(BaseModel):
    """One reason group."""

    code: str
    mean_contribution: float
    """Mean absolute contribution to the log-odds, over all rows."""
    stated_share: float
    """Share of the declined rows that have it among their stated reasons."""


class ReasonFigures(BaseModel):
    """The reasons of one variant on some rows, against the reference applicant of one cut-off."""

    rows: int
    declined: int
    cutoff: float
    reference_pd: float
    groups: list[GroupFigures]
    reached_share: float
    """Declined rows whose PD is below the cut-off once the groups stated hold the reference's values; 1 for none."""
    lowered_share: float
    """The same of those whose PD is lower then, wherever it is."""
    additivity: float
    """The largest difference between a row's contributions in sum and its log-odds less the reference's."""


def reason_figures(
    scorecard: Scorecard, graph: Graph, explainer: Explainer, inputs: Inputs, cutoff: float
) -> ReasonFigures:
    """Return the figures of a graph and the one that explains it on these rows."""
    reference = explainer.reference_for(cutoff)
    found = explainer.explain(inputs, reference)
    pd = graph.score(inputs).astype(np.float64)
    declines = np.flatnonzero(declined(pd, cutoff))
    stated = np.zeros((len(declines), len(explainer.groups)), dtype=bool)
    for row, position in enumerate(declines):
        stated[row, list(found.principal[position])] = True
    without = graph.score(_neutralised(scorecard, graph, inputs[declines], stated, reference)).astype(np.float64)
    gained = found.log_odds.astype(np.float64) - found.reference_log_odds
    return ReasonFigures(
        rows=len(inputs),
        declined=len(declines),
        cutoff=cutoff,
        reference_pd=reference.pd,
        groups=[
            GroupFigures(code=code, mean_contribution=float(contribution), stated_share=float(share))
            for code, contribution, share in zip(
                explainer.groups,
                np.abs(found.contributions).mean(axis=0, dtype=np.float64),
                stated.sum(axis=0) / max(len(declines), 1),
                strict=True,
            )
        ],
        reached_share=float(np.mean(~declined(without, cutoff))) if len(declines) else 1.0,
        lowered_share=float(np.mean(without < pd[declines])) if len(declines) else 1.0,
        additivity=float(np.abs(found.contributions.sum(axis=1, dtype=np.float64) - gained).max()),
    )


def _neutralised(
    scorecard: Scorecard, graph: Graph, inputs: Inputs, stated: NDArray[np.bool_], reference: Reference
) -> Inputs:
    """Return the rows with the reference's values in the stated groups, [rows, groups]."""
    groups = groups_read(scorecard, graph.columns)

    def replaced(columns: Sequence[str]) -> NDArray[np.bool_]:
        members = np.array([[column in group.columns for column in columns] for group in groups])
        return np.asarray(stated @ members, dtype=np.bool_)

    numeric = np.where(replaced(graph.numeric_columns), reference.inputs.numeric, inputs.numeric)
    if inputs.text is None or reference.inputs.text is None:
        return Inputs(numeric)
    return Inputs(numeric, np.where(replaced(graph.text_columns), reference.inputs.text, inputs.text))
