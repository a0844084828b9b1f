"""The levels of codes whose weight rests on few training rows: what those rows say, and what a claim of one changes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd
from pydantic import BaseModel

from scoring.application import Level
from scoring.decision_rules import declined
from scoring.graph import Graph, Inputs
from scoring.scorecard import Scorecard
from training.evaluation.intervals import CONFIDENCE, Estimate, jeffreys
from training.graph.inputs import graph_inputs
from training.graph.levels import Merges, level_rows

FEW_ROWS = 1_000
"""Training rows below which a level is listed: of as many, a share of 20 % is known to 2.5 points."""
CLAIMS = 5_000
"""Test rows that claim each level at most, the first ones."""


class RareLevel(BaseModel):
    """One level of a code with few training rows."""

    column: str
    level: Level
    """None where the value is missing."""
    rows: int
    """Training rows that hold it."""
    default_share: Estimate | None
    """Share among those rows, with Jeffreys' interval; None without any."""
    merged: bool
    """Whether it has no weight of its own, and is read as `read_as`."""
    read_as: Level
    pd_change: float
    """Mean PD of test rows that claim it, less that of the same rows as they are."""
    declines: int
    """Test rows, of those that claim it, that are declined as they are."""
    approved: int
    """How many of these the claim would approve."""


def rare_levels(
    scorecard: Scorecard, graph: Graph, merges: Merges, train: pd.DataFrame, inputs: Inputs, cutoff: float
) -> list[RareLevel]:
    """Return the levels with fewer than `FEW_ROWS` training rows, by column, those with fewest rows first.

    Args:
        scorecard: which columns are codes.
        graph: gives the PDs.
        merges: what the graph reads rare levels as.
        train: the training rows, with the target.
        inputs: the test rows, as the graph reads them.
        cutoff: a PD at or above it declines.
    """
    read = graph_inputs(train, graph.columns, graph.text_columns)
    known = level_rows(scorecard, read, graph.columns)
    read_as = {(merge.column, level): merge.into for merge in merges for level in merge.levels}
    claiming = inputs[:CLAIMS]
    own = graph.score(claiming)
    refused = declined(own, cutoff)
    found = []
    for column, counts in known.items():
        for level, rows in sorted(counts.items(), key=lambda item: item[1]):
            if rows >= FEW_ROWS:
                continue
            pd_values = graph.score(_claiming(graph, claiming, column, level))
            found.append(
                RareLevel(
                    column=column,
                    level=level,
                    rows=rows,
                    default_share=_default_share(train, column, level, scorecard.target) if rows else None,
                    merged=(column, level) in read_as,
                    read_as=read_as.get((column, level), level),
                    pd_change=float(np.mean(pd_values.astype(np.float64) - own)),
                    declines=int(refused.sum()),
                    approved=int(np.sum(refused & ~declined(pd_values, cutoff))),
                )
            )
    return found


def resting_on_few(levels: Sequence[RareLevel]) -> Iterator[RareLevel]:
    """Yield those that have a weight of their own, or share one with levels that are rare together."""
    common = {(item.column, item.level) for item in levels}
    for item in levels:
        if not item.merged or (item.column, item.read_as) in common:
            yield item


def _claiming(graph: Graph, inputs: Inputs, column: str, level: Level) -> Inputs:
    """Return the rows with the same level in a column."""
    if column in graph.text_columns:
        assert inputs.text is not None
        text = inputs.text.copy()
        text[:, graph.text_columns.index(column)] = level or ""
        return Inputs(inputs.numeric, text, inputs.known)
    numeric = inputs.numeric.copy()
    numeric[:, graph.numeric_columns.index(column)] = np.nan if level is None else level
    return Inputs(numeric, inputs.text, inputs.known)


def _default_share(train: pd.DataFrame, column: str, level: Level, target: str) -> Estimate:
    """Return the share of defaults among the training rows with a level."""
    held = train[column].isna() if level is None else train[column] == level
    labels = train.loc[held, target]
    low, high = jeffreys(int(labels.sum()), len(labels), CONFIDENCE)
    return {"value": float(labels.mean()), "low": low, "high": high}
