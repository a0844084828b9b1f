"""The letters that a model writes on some rows, and the gaps that they leave out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from scoring.graph import Graph, Inputs
from scoring.principal import ChosenReasons, ReasonChooser
from scoring.reasons import Explainer, Reference
from scoring.scorecard import Scorecard
from scoring.sentences import Sentences
from tests.true_sentences import contradictions
from training.graph.explain import groups_read
from training.graph.inputs import graph_inputs


@dataclass(frozen=True)
class Letters:
    """What the declined ones of some rows are told."""

    card: Scorecard
    graph: Graph
    explainer: Explainer
    reference: Reference
    rows: pd.DataFrame
    """The declined ones."""
    inputs: Inputs
    chosen: ChosenReasons
    statements: list[list[tuple[str, str | None]]]
    """Codes of groups and statements."""

    @property
    def untrue(self) -> list[tuple[int, str]]:
        """The sentences that the fields do not bear out."""
        sentences = Sentences(self.card)
        told = [[sentences.of(code, statement) for code, statement in letter] for letter in self.statements]
        return contradictions(self.card.name, self.rows, told, self.reference.values)

    @property
    def gaps(self) -> list[tuple[int, str, bool]]:
        """Rows and fields of which one alone, filled, approves; and whether the field's group is stated."""
        of_group = {
            column: group.code for group in groups_read(self.card, self.graph.columns) for column in group.columns
        }
        found = []
        for rule in self.card.rules:
            column = rule.column
            value = self.reference.values.get(column)
            if column not in of_group or not self.card.may_be_missing(rule) or value is None:
                continue
            places = np.flatnonzero(self.rows[column].isna())
            if not len(places):
                continue
            filled = self.rows.iloc[places].copy()
            filled[column] = value
            pd_of = self.graph.score(graph_inputs(filled, self.graph.columns, self.card.text_columns))
            found += [
                (row, column, of_group[column] in dict(self.statements[row]))
                for row in places[pd_of.astype(float) < self.card.cutoff].tolist()
            ]
        return found


def letters(card: Scorecard, graph: Graph, explainer: Explainer, frame: pd.DataFrame) -> Letters:
    """Decide the rows at the scorecard's cut-off."""
    inputs = graph_inputs(frame, graph.columns, card.text_columns)
    pd_of = graph.score(inputs)
    declines = pd_of.astype(float) >= card.cutoff
    reference = explainer.reference_for(card.cutoff)
    rows = inputs[declines]
    chooser = ReasonChooser(graph, explainer, reference, card.cutoff)
    chosen = chooser.choose(rows, explainer.explain(rows, reference), pd_of[declines])
    statements = [
        [(explainer.groups[group], chooser.statement(said.get(group))) for group in groups]
        for groups, said in zip(chosen.principal, chosen.statements, strict=True)
    ]
    return Letters(card, graph, explainer, reference, frame[declines].reset_index(drop=True), rows, chosen, statements)
