"""Stage train: candidates compete, the winner is fitted on all training rows."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from pydantic import BaseModel

from pipelines.params import Candidate, Params, ScorecardParams
from pipelines.workspace import Workspace
from scoring.features import Block, raw_columns
from scoring.files import write_atomically
from scoring.graph import Graph, Inputs
from scoring.reasons import Explainer, Reference
from scoring.scorecard import Scorecard
from training import imbalance as balancing
from training.calibration import Calibration, choose
from training.errors import StageError
from training.evaluation.timing import reasons_microseconds
from training.families.family import Labels, Model
from training.families.registry import FAMILIES
from training.graph.explain import explain_graph
from training.graph.export import export_graph
from training.graph.frontend import feature_matrix, feature_names
from training.imbalance import Imbalance, ImbalanceError
from training.selection import (
    CandidateResult,
    fold_result,
    judge,
    out_of_fold,
    search,
)
from training.split import applicants, folds
from training.tables.files import read_parquet

SPECIFICATION = "specification.json"
CALIBRATION = "calibration.json"

Advance = Callable[[str, int], None]
"""Told what is being done, and how many steps (fits) are finished with it."""


class Specification(BaseModel):
    """What must be known beside the fitted model to build its graph."""

    candidate: str
    family: str
    features: str
    protected_fields: bool
    columns: list[str]
    feature_names: list[str]
    parameters: dict[str, Any]
    imbalance: Imbalance = "none"


class Competition(BaseModel):
    """The candidates' results and the winner."""

    winner: str
    rows: int
    folds: int
    protected_fields: bool
    candidates: list[CandidateResult]


@dataclass(frozen=True)
class Trained:
    """A fitted candidate with its calibration."""

    specification: Specification
    model: Model
    calibration: Calibration

    def graph(self, scorecard: Scorecard) -> bytes:
        """The FP32 graph."""
        blocks = candidate_blocks(scorecard, self.specification.features, self.specification.protected_fields)
        return export_graph(blocks, self.specification.columns, self.model, self.calibration)


def fits_needed(params: ScorecardParams, search_iterations: int) -> int:
    """How many fits `compete` makes: for a progress bar."""
    searched = sum(bool(candidate.search) for candidate in params.candidates.values())
    return params.folds * (len(params.candidates) + searched * search_iterations) + len(params.candidates)


def candidate_blocks(scorecard: Scorecard, features: str, protected_fields: bool) -> tuple[Block, ...]:
    """The feature blocks of a named set.

    Raises:
        StageError: the scorecard has no such set.
    """
    if features not in scorecard.features:
        raise StageError(f"{scorecard.name} has no features {features!r}; it has: {', '.join(scorecard.features)}")
    return scorecard.features[features](protected_fields)


def raw_inputs(scorecard: Scorecard, frame: pd.DataFrame, columns: list[str]) -> Inputs:
    """These columns of a table as a graph reads them."""
    texts = [rule.column for rule in scorecard.rules if rule.kind == "text" and rule.column in columns]
    numeric = frame[[column for column in columns if column not in texts]].to_numpy(dtype=np.float32)
    return Inputs(numeric, frame[texts].fillna("").to_numpy(dtype=object) if texts else None)


def fit_candidate(
    scorecard: Scorecard,
    name: str,
    candidate: Candidate,
    frame: pd.DataFrame,
    params: ScorecardParams,
    *,
    protected_fields: bool,
    search_iterations: int,
    advance: Advance,
) -> tuple[Trained, CandidateResult]:
    """Searches, cross-validates, calibrates and fits one candidate on the rows of `frame`."""
    if candidate.family not in FAMILIES:
        raise StageError(f"candidate {name}: no family {candidate.family!r}; there are: {', '.join(FAMILIES)}")
    family = FAMILIES[candidate.family]
    blocks = candidate_blocks(scorecard, candidate.features, protected_fields)
    used = raw_columns(blocks)
    columns = [column for column in scorecard.inputs if column in used]
    raw = raw_inputs(scorecard, frame, columns)
    features = feature_matrix(blocks, columns, raw)
    if not family.takes_missing and np.isnan(features).any():
        raise StageError(
            f"candidate {name}: {family.name} takes no missing values, and features {candidate.features} have some"
        )
    labels: Labels = frame[scorecard.target].to_numpy()
    parts = folds(applicants(scorecard, frame), labels, params.folds, params.seed)
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
                params.seed,
                tick=lambda: advance(f"{name}: search", 1),
                imbalance=candidate.imbalance,
            )
        log_odds = out_of_fold(
            family,
            features,
            labels,
            parts,
            parameters,
            params.seed,
            tick=lambda: advance(f"{name}: folds", 1),
            imbalance=candidate.imbalance,
        )
        calibration, brier_by_calibration = choose(log_odds, labels, params.seed)
        model = balancing.fit(family, features, labels, parameters, candidate.imbalance, params.seed)
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
    """Of the reasons for the first row; whom it is compared with makes no difference to the time."""
    content = trained.graph(scorecard)
    graph, explainer = Graph(content), Explainer(explain_graph(content, scorecard))
    reference = Reference.of(0.0, raw[1:2], graph.numeric_columns, graph.text_columns)
    return reasons_microseconds(explainer, raw[:1], reference)


def compete(
    scorecard: Scorecard, frame: pd.DataFrame, params: ScorecardParams, search_iterations: int, advance: Advance
) -> tuple[Competition, Trained | None]:
    """Every candidate on the same folds of `frame`, judged by the gates; no winner if none passes."""
    trained = [
        fit_candidate(
            scorecard,
            name,
            candidate,
            frame,
            params,
            protected_fields=params.protected_fields,
            search_iterations=search_iterations,
            advance=advance,
        )
        for name, candidate in params.candidates.items()
    ]
    results = [result for _, result in trained]
    winner = judge(
        results,
        auc_tolerance=params.gates.auc_tolerance,
        calibration_error_limit=params.gates.expected_calibration_error,
        reasons_microseconds_limit=params.gates.reasons_microseconds,
    )
    competition = Competition(
        winner=winner.name if winner else "",
        rows=len(frame),
        folds=params.folds,
        protected_fields=params.protected_fields,
        candidates=results,
    )
    return competition, next((item for item, result in trained if result is winner), None)


def train(
    scorecard: Scorecard, workspace: Workspace, params: Params, advance: Advance = lambda what, steps: None
) -> Competition:
    """Writes the competition's results, and the winner's model folder.

    Raises:
        StageError: no candidate holds every gate; the results are written all the same.
    """
    frame, _ = read_parquet(workspace.train)
    knobs = params.scorecard(scorecard.name)
    iterations = params.profile(workspace.profile).search_iterations
    competition, winner = compete(scorecard, frame, knobs, iterations, advance)
    write_atomically(workspace.candidates, competition.model_dump_json(indent=2) + "\n")
    if winner is None:
        raise StageError(f"{scorecard.name}: no candidate holds every gate: {workspace.candidates}")
    with tempfile.TemporaryDirectory(dir=workspace.folder) as temporary:
        folder = Path(temporary, "model")
        folder.mkdir()
        winner.model.save(folder)
        write_atomically(folder / SPECIFICATION, winner.specification.model_dump_json(indent=2) + "\n")
        write_atomically(folder / CALIBRATION, winner.calibration.model_dump_json(indent=2) + "\n")
        shutil.rmtree(workspace.model, ignore_errors=True)
        folder.rename(workspace.model)
    return competition


def load_trained(workspace: Workspace) -> Trained:
    """The winner as `train` left it.

    Raises:
        StageError: it is missing or damaged.
    """
    try:
        specification = Specification.model_validate_json((workspace.model / SPECIFICATION).read_bytes())
        calibration = Calibration.model_validate_json((workspace.model / CALIBRATION).read_bytes())
        model = FAMILIES[specification.family].load(workspace.model)
    except (OSError, ValueError, KeyError) as error:
        raise StageError(f"{workspace.model} holds no trained model: {error}; run: scorebox train") from None
    return Trained(specification=specification, model=model, calibration=calibration)


def load_competition(workspace: Workspace) -> Competition:
    """The competition's results."""
    try:
        return Competition.model_validate_json(workspace.candidates.read_bytes())
    except (OSError, ValueError) as error:
        raise StageError(f"{workspace.candidates} holds no results: {error}; run: scorebox train") from None
