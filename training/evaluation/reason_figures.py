"""Figures of a model's reasons on some rows: how they are spread, and whether they hold what they say."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel

from scoring.decision_rules import declined
from scoring.facts import StatementTable
from scoring.graph import Graph, Inputs
from scoring.principal import ReasonChooser
from scoring.reasons import Explainer, Reference
from scoring.scorecard import Scorecard
from training.graph.explain import groups_read, statements_read


class GroupFigures(BaseModel):
    """One reason group."""

    code: str
    mean_contribution: float
    """Mean absolute contribution to the log-odds, over all rows."""
    stated_share: float
    """Share of the declined rows that have it among their stated reasons."""
    said: dict[str, float]
    """The same by the code of what it says; "" for its sentence that claims nothing, which no check looks at."""


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
    contradicted: int
    """Reasons of declined rows whose statement is not true of the row's fields, by the scorecard as it is now."""
    unspoken_gaps: int
    """Declined rows that one missing field, filled, would approve, where its group is not among the reasons.

    It is filled with the reference's value; where that has none, and most rows have one, with their median.
    """
    additivity: float
    """The largest difference between a row's contributions in sum and its log-odds less the reference's."""


def reason_figures(
    scorecard: Scorecard, graph: Graph, explainer: Explainer, inputs: Inputs, cutoff: float
) -> ReasonFigures:
    """Return the figures of a graph and the one that explains it on these rows."""
    reference = explainer.reference_for(cutoff)
    chooser = ReasonChooser(graph, explainer, reference, cutoff)
    found = explainer.explain(inputs, reference)
    scored = graph.score(inputs)
    pd = scored.astype(np.float64)
    is_declined = declined(pd, cutoff)
    declines = np.flatnonzero(is_declined)
    rows = inputs[declines]
    chosen = chooser.choose(rows, found[is_declined], scored[is_declined])
    said = [
        [(group, chooser.statement(statements.get(group)) or "") for group in groups]
        for groups, statements in zip(chosen.principal, chosen.statements, strict=True)
    ]
    counts = Counter(reason for reasons in said for reason in reasons)
    stated = np.zeros((len(declines), len(explainer.groups)), dtype=bool)
    for row, groups in enumerate(chosen.principal):
        stated[row, list(groups)] = True
    without = graph.score(_neutralised(scorecard, graph, rows, stated, reference)).astype(np.float64)
    gained = found.log_odds.astype(np.float64) - found.reference_log_odds
    return ReasonFigures(
        rows=len(inputs),
        declined=len(declines),
        cutoff=cutoff,
        reference_pd=reference.pd,
        groups=[
            GroupFigures(
                code=code,
                mean_contribution=float(contribution),
                stated_share=float(share),
                said={
                    statement: count / len(declines)
                    for (of_group, statement), count in sorted(counts.items())
                    if of_group == group
                },
            )
            for group, (code, contribution, share) in enumerate(
                zip(
                    explainer.groups,
                    np.abs(found.contributions).mean(axis=0, dtype=np.float64),
                    stated.sum(axis=0) / max(len(declines), 1),
                    strict=True,
                )
            )
        ],
        reached_share=float(np.mean(~declined(without, cutoff))) if len(declines) else 1.0,
        lowered_share=float(np.mean(without < pd[declines])) if len(declines) else 1.0,
        contradicted=_contradicted(scorecard, graph, rows, said, reference),
        unspoken_gaps=_unspoken_gaps(scorecard, graph, inputs, is_declined, stated, reference, cutoff),
        additivity=float(np.abs(found.contributions.sum(axis=1, dtype=np.float64) - gained).max()),
    )


def _contradicted(
    scorecard: Scorecard, graph: Graph, rows: Inputs, said: Sequence[Sequence[tuple[int, str]]], reference: Reference
) -> int:
    """Return how many statements are not true of their rows, by the scorecard's own; one it does not have is not."""
    present = statements_read(scorecard, graph.columns)
    table = StatementTable(present, graph.numeric_columns, graph.text_columns, reference.inputs)
    places = {
        (int(group), code): place for place, (group, code) in enumerate(zip(table.of_group, table.codes, strict=True))
    }
    true = table.hold(rows)
    return sum(
        (reason not in places or not true[row, places[reason]]) if reason[1] else False
        for row, reasons in enumerate(said)
        for reason in reasons
    )


def _unspoken_gaps(
    scorecard: Scorecard,
    graph: Graph,
    inputs: Inputs,
    is_declined: NDArray[np.bool_],
    stated: NDArray[np.bool_],
    reference: Reference,
    cutoff: float,
) -> int:
    """Return how many declined rows have a missing field that would be enough, of a group that is not stated."""
    rows = inputs[is_declined]
    unspoken = np.zeros(len(rows), dtype=bool)
    of = {column: group for group, one in enumerate(groups_read(scorecard, graph.columns)) for column in one.columns}
    for column in (rule.column for rule in scorecard.rules if scorecard.may_be_missing(rule) and rule.column in of):
        value = reference.values[column]
        if column in graph.text_columns and inputs.text is not None and rows.text is not None:
            place = graph.text_columns.index(column)
            known = [text for text in inputs.text[:, place].tolist() if text]
            value = value or (max(sorted(set(known)), key=known.count) if 2 * len(known) > len(inputs) else None)
            gaps = np.flatnonzero(rows.text[:, place] == "")
        else:
            place = graph.numeric_columns.index(column)
            numbers = inputs.numeric[:, place]
            if value is None and 2 * (~np.isnan(numbers)).sum() > len(inputs):
                value = float(np.nanmedian(numbers))
            gaps = np.flatnonzero(np.isnan(rows.numeric[:, place]))
        if value is None or not len(gaps):
            continue
        filled = rows[gaps]
        numeric, text = filled.numeric.copy(), None if filled.text is None else filled.text.copy()
        if isinstance(value, str) and text is not None:
            text[:, place] = value
        else:
            numeric[:, place] = value
        approved = ~declined(graph.score(Inputs(numeric, text)), cutoff)
        unspoken[gaps] |= approved & ~stated[gaps, of[column]]
    return int(unspoken.sum())


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
