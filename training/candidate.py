"""A candidate of the competition: prepared, searched, cross-validated, calibrated and fitted on all training rows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from pydantic import BaseModel

from scoring.features import Block, raw_columns
from scoring.graph import Graph, Inputs
from scoring.reasons import Explainer, Reference
from scoring.scorecard import Scorecard
from training import imbalance as balancing
from training.calibration import Calibration, choose
from training.competition_params import CalibrationChoice, Candidate
from training.errors import StageError
from training.evaluation.metrics import PDs
from training.evaluation.timing import reasons_microseconds
from training.families.family import Family, Features, Labels, Model
from training.families.registry import FAMILIES
from training.graph.explain import explain_graph
from training.graph.export import export_graph
from training.graph.frontend import feature_matrix, feature_names
from training.graph.inputs import graph_inputs
from training.graph.levels import Merges, fit_merges
from training.imbalance import Imbalance, ImbalanceError
from training.selection import CandidateResult, Fold, fold_result, out_of_fold, search
from training.split import applicants, folds
from training.workers import Workers

Advance = Callable[[str, int], None]
"""Told what is being done, and how many steps (fits) are finished with it."""


class Specification(BaseModel):
    """Everything but the fitted model and its calibration that a graph is built from."""

    candidate: str
    family: str
    features: str
    protected_fields: bool
    columns: list[str]
    feature_names: list[str]
    parameters: dict[str, Any]
    imbalance: Imbalance = "none"
    merges: Merges = ()
    """The rare levels among the training rows."""


@dataclass(frozen=True)
class Trained:
    """A fitted candidate with its calibration."""

    specification: Specification
    model: Model
    calibration: Calibration

    def graph(self, scorecard: Scorecard) -> bytes:
        """Return the FP32 graph."""
        used = self.specification
        blocks = candidate_blocks(scorecard, used.features, used.protected_fields)
        return export_graph(blocks, used.columns, self.model, self.calibration, used.merges)

    def features(self, scorecard: Scorecard, inputs: Inputs) -> Features:
        """Return the model's features of rows as its graph reads them, [rows, features]."""
        used = self.specification
        blocks = candidate_blocks(scorecard, used.features, used.protected_fields)
        return feature_matrix(blocks, used.columns, inputs, used.merges)

    def own_pd(self, scorecard: Scorecard, frame: pd.DataFrame) -> PDs:
        """Return [rows], the PDs by the fitted model itself, without the graph's body and tail."""
        inputs = graph_inputs(frame, self.specification.columns, scorecard.text_columns)
        return self.calibration.pd(self.model.log_odds(self.features(scorecard, inputs)))


def candidate_blocks(scorecard: Scorecard, features: str, protected_fields: bool) -> tuple[Block, ...]:
    """Return the feature blocks of a named set.

    Raises:
        StageError: the scorecard has no such set.
    """
    if features not in scorecard.features:
        raise StageError(f"{scorecard.name} has no features {features!r}; it has: {', '.join(scorecard.features)}")
    return scorecard.features[features](protected_fields)


@dataclass(frozen=True, eq=False)
class PreparedCandidate:
    """A candidate with the rows that it is fitted and judged on."""

    name: str
    candidate: Candidate
    family: Family
    blocks: tuple[Block, ...]
    columns: list[str]
    protected_fields: bool
    raw: Inputs
    merges: Merges
    """The rare levels among all rows."""
    features: Features
    """With those."""
    labels: Labels
    folds: list[Fold]
    seed: int
    calibration: CalibrationChoice


@dataclass(frozen=True, eq=False)
class FittedCandidate:
    """A candidate that was fitted, with what its folds say of it."""

    trained: Trained
    raw: Inputs
    brier_by_calibration: dict[str, float]
    figures: dict[str, Any]
    """From `training.selection.fold_result`."""

    def result(self, reasons_microseconds: float) -> CandidateResult:
        """Return how it did, given the standard microseconds that its reasons take."""
        specification = self.trained.specification
        return CandidateResult(
            name=specification.candidate,
            family=specification.family,
            features=specification.features,
            inputs=len(specification.feature_names),
            parameters=specification.parameters,
            imbalance=specification.imbalance,
            brier_by_calibration=self.brier_by_calibration,
            reasons_microseconds=reasons_microseconds,
            **self.figures,
        )


def prepare_candidate(
    scorecard: Scorecard,
    name: str,
    candidate: Candidate,
    frame: pd.DataFrame,
    *,
    fold_count: int,
    seed: int,
    protected_fields: bool,
    rare_level_rows: int,
    calibration: CalibrationChoice = "auto",
) -> PreparedCandidate:
    """Split the rows of `frame` into folds, and compute a candidate's features of them.

    Which levels are rare is found for each fold in its fitted rows alone.

    Raises:
        StageError: the feature set is unknown, or the family takes no missing values where there are some.
    """
    family = FAMILIES[candidate.family]
    blocks = candidate_blocks(scorecard, candidate.features, protected_fields)
    used = raw_columns(blocks)
    columns = [column for column in scorecard.inputs if column in used]
    raw = graph_inputs(frame, columns, scorecard.text_columns)
    merges = fit_merges(scorecard, raw, columns, rare_level_rows)
    features = feature_matrix(blocks, columns, raw, merges)
    if not family.takes_missing and np.isnan(features).any():
        raise StageError(
            f"candidate {name}: {family.name} takes no missing values, and features {candidate.features} have some"
        )
    labels: Labels = frame[scorecard.target].to_numpy()
    by_merges = {merges: features}
    parts = []
    for fitted, held_out in folds(applicants(scorecard, frame), labels, fold_count, seed):
        of_fold = fit_merges(scorecard, raw[fitted], columns, rare_level_rows)
        if of_fold not in by_merges:
            by_merges[of_fold] = feature_matrix(blocks, columns, raw, of_fold)
        parts.append(Fold(fitted, held_out, by_merges[of_fold]))
    return PreparedCandidate(
        name,
        candidate,
        family,
        blocks,
        columns,
        protected_fields,
        raw,
        merges,
        features,
        labels,
        parts,
        seed,
        calibration,
    )


def fit_candidate(
    prepared: PreparedCandidate, workers: Workers, *, search_iterations: int, advance: Advance
) -> FittedCandidate:
    """Search, cross-validate, calibrate and fit one candidate; its fits run side by side.

    Raises:
        StageError: the rows cannot be balanced as asked.
    """
    name, candidate, labels, seed = prepared.name, prepared.candidate, prepared.labels, prepared.seed
    family = prepared.family
    rows = (family, prepared.features, labels)
    parameters = candidate.parameters
    try:
        if candidate.search:
            parameters, log_odds = search(
                workers,
                family,
                labels,
                prepared.folds,
                parameters,
                candidate.search,
                search_iterations,
                seed,
                tick=lambda: advance(f"{name}: search", 1),
                imbalance=candidate.imbalance,
            )
            final = workers.submit(balancing.fit, *rows, parameters, candidate.imbalance, seed)
        else:
            final = workers.submit(balancing.fit, *rows, parameters, candidate.imbalance, seed)
            log_odds = out_of_fold(
                workers,
                family,
                labels,
                prepared.folds,
                parameters,
                seed,
                tick=lambda: advance(f"{name}: folds", 1),
                imbalance=candidate.imbalance,
            )
        calibration, brier_by_calibration = choose(log_odds, labels, seed, prepared.calibration)
        model = final.result()
    except ImbalanceError as error:
        raise StageError(f"candidate {name}: {error}") from None
    advance(f"{name}: final fit", 1)
    specification = Specification(
        candidate=name,
        family=candidate.family,
        features=candidate.features,
        protected_fields=prepared.protected_fields,
        columns=prepared.columns,
        feature_names=feature_names(prepared.blocks),
        parameters=parameters,
        imbalance=candidate.imbalance,
        merges=prepared.merges,
    )
    trained = Trained(specification=specification, model=model, calibration=calibration)
    figures = fold_result(labels, log_odds, prepared.folds, calibration)
    return FittedCandidate(trained, prepared.raw, brier_by_calibration, figures)


def time_reasons(scorecard: Scorecard, fitted: FittedCandidate) -> float:
    """Return the standard microseconds that the reasons for one row take.

    The applicant whom the row is compared with does not change the time.
    """
    content = fitted.trained.graph(scorecard)
    graph, explainer = Graph(content), Explainer(explain_graph(content, scorecard))
    reference = Reference.of(0.0, fitted.raw[1:2], graph.numeric_columns, graph.text_columns)
    return reasons_microseconds(graph, explainer, fitted.raw[:1], reference, scorecard.cutoff)
