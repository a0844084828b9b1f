"""One candidate of the competition: searched, cross-validated, calibrated and fitted on all training rows."""

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
from training.competition_params import Candidate
from training.errors import StageError
from training.evaluation.metrics import PDs
from training.evaluation.timing import reasons_microseconds
from training.families.family import Labels, Model
from training.families.registry import FAMILIES
from training.graph.explain import explain_graph
from training.graph.export import export_graph
from training.graph.frontend import feature_matrix, feature_names
from training.graph.inputs import graph_inputs
from training.imbalance import Imbalance, ImbalanceError
from training.selection import CandidateResult, fold_result, out_of_fold, search
from training.split import applicants, folds

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


@dataclass(frozen=True)
class Trained:
    """A fitted candidate with its calibration."""

    specification: Specification
    model: Model
    calibration: Calibration

    def graph(self, scorecard: Scorecard) -> bytes:
        """Return the FP32 graph."""
        blocks = candidate_blocks(scorecard, self.specification.features, self.specification.protected_fields)
        return export_graph(blocks, self.specification.columns, self.model, self.calibration)

    def own_pd(self, scorecard: Scorecard, frame: pd.DataFrame) -> PDs:
        """Return [rows], the PDs by the fitted model itself, without the graph's body and tail."""
        blocks = candidate_blocks(scorecard, self.specification.features, self.specification.protected_fields)
        columns = self.specification.columns
        features = feature_matrix(blocks, columns, graph_inputs(frame, columns, scorecard.text_columns))
        return self.calibration.pd(self.model.log_odds(features))


def candidate_blocks(scorecard: Scorecard, features: str, protected_fields: bool) -> tuple[Block, ...]:
    """Return the feature blocks of a named set.

    Raises:
        StageError: the scorecard has no such set.
    """
    if features not in scorecard.features:
        raise StageError(f"{scorecard.name} has no features {features!r}; it has: {', '.join(scorecard.features)}")
    return scorecard.features[features](protected_fields)


def fit_candidate(
    scorecard: Scorecard,
    name: str,
    candidate: Candidate,
    frame: pd.DataFrame,
    *,
    fold_count: int,
    seed: int,
    protected_fields: bool,
    search_iterations: int,
    advance: Advance,
) -> tuple[Trained, CandidateResult]:
    """Search, cross-validate, calibrate and fit one candidate on the rows of `frame`.

    Raises:
        StageError: the family or feature set is unknown, takes no missing values where there are some, lacks a
            parameter, or cannot be balanced as asked.
    """
    if candidate.family not in FAMILIES:
        raise StageError(f"candidate {name}: no family {candidate.family!r}; there are: {', '.join(FAMILIES)}")
    family = FAMILIES[candidate.family]
    blocks = candidate_blocks(scorecard, candidate.features, protected_fields)
    used = raw_columns(blocks)
    columns = [column for column in scorecard.inputs if column in used]
    raw = graph_inputs(frame, columns, scorecard.text_columns)
    features = feature_matrix(blocks, columns, raw)
    if not family.takes_missing and np.isnan(features).any():
        raise StageError(
            f"candidate {name}: {family.name} takes no missing values, and features {candidate.features} have some"
        )
    labels: Labels = frame[scorecard.target].to_numpy()
    parts = folds(applicants(scorecard, frame), labels, fold_count, seed)
    parameters = candidate.parameters
    try:
        if candidate.search:
            parameters = search(
                family,
                features,
                labels,
                parts,
                parameters,
                candidate.search,
                search_iterations,
                seed,
                tick=lambda: advance(f"{name}: search", 1),
                imbalance=candidate.imbalance,
            )
        log_odds = out_of_fold(
            family,
            features,
            labels,
            parts,
            parameters,
            seed,
            tick=lambda: advance(f"{name}: folds", 1),
            imbalance=candidate.imbalance,
        )
        calibration, brier_by_calibration = choose(log_odds, labels, seed)
        model = balancing.fit(family, features, labels, parameters, candidate.imbalance, seed)
    except KeyError as error:
        raise StageError(f"candidate {name}: params.yaml lacks the parameter {error}") from None
    except ImbalanceError as error:
        raise StageError(f"candidate {name}: {error}") from None
    trained = Trained(
        specification=Specification(
            candidate=name,
            family=candidate.family,
            features=candidate.features,
            protected_fields=protected_fields,
            columns=columns,
            feature_names=feature_names(blocks),
            parameters=parameters,
            imbalance=candidate.imbalance,
        ),
        model=model,
        calibration=calibration,
    )
    result = CandidateResult(
        name=name,
        family=candidate.family,
        features=candidate.features,
        inputs=features.shape[1],
        parameters=parameters,
        imbalance=candidate.imbalance,
        brier_by_calibration=brier_by_calibration,
        reasons_microseconds=_reasons_microseconds(scorecard, trained, raw),
        **fold_result(labels, log_odds, parts, calibration),
    )
    advance(f"{name}: final fit", 1)
    return trained, result


def _reasons_microseconds(scorecard: Scorecard, trained: Trained, raw: Inputs) -> float:
    """Time the reasons for the first row; the applicant they are compared with does not change the time."""
    content = trained.graph(scorecard)
    graph, explainer = Graph(content), Explainer(explain_graph(content, scorecard))
    reference = Reference.of(0.0, raw[1:2], graph.numeric_columns, graph.text_columns)
    return reasons_microseconds(explainer, raw[:1], reference)
