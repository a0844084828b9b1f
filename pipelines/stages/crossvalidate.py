"""Cross-validation over the whole data set, with the parameters that the competition settled on.

The competition itself sees only training rows; this repeats its folds over all of them, to compare
with figures that others publish.
"""

from __future__ import annotations

from functools import partial

from pydantic import BaseModel

from pipelines.params import Params
from pipelines.stages.train import load_competition
from pipelines.workspace import Workspace
from scoring.features import raw_columns
from scoring.files import write_atomically
from scoring.scorecard import Scorecard
from training.calibration import choose
from training.candidate import Advance, candidate_blocks
from training.evaluation.intervals import Estimate
from training.families.registry import FAMILIES
from training.graph.frontend import feature_matrix
from training.graph.inputs import graph_inputs
from training.selection import fold_interval, fold_result, out_of_fold
from training.split import applicants, folds
from training.tables.files import read_parquet


class CrossValidation(BaseModel):
    """One candidate over all rows."""

    name: str
    rows: int
    inputs: int
    auc: float
    auc_deviation: float
    auc_interval: Estimate
    """Interval of the mean over the folds, by resampling each fold's rows."""
    fold_auc: list[float]
    brier: float
    expected_calibration_error: float
    calibration: str


class CrossValidations(BaseModel):
    """Every candidate over all rows."""

    results: list[CrossValidation]


def crossvalidate(scorecard: Scorecard, workspace: Workspace, knobs: Params, advance: Advance) -> CrossValidations:
    """Write `crossvalidation.json`: each candidate on the same folds of the whole data set."""
    params = knobs.scorecard(scorecard.name)
    resamples = knobs.profile(workspace.profile).bootstrap_resamples
    frame, _ = read_parquet(workspace.applications)
    labels = frame[scorecard.target].to_numpy()
    parts = folds(applicants(scorecard, frame), labels, params.folds, params.seed)
    results = []
    for candidate in load_competition(workspace).candidates:
        blocks = candidate_blocks(scorecard, candidate.features, params.protected_fields)
        used = raw_columns(blocks)
        columns = [column for column in scorecard.inputs if column in used]
        features = feature_matrix(blocks, columns, graph_inputs(frame, columns, scorecard.text_columns))
        log_odds = out_of_fold(
            FAMILIES[candidate.family],
            features,
            labels,
            parts,
            candidate.parameters,
            params.seed,
            tick=partial(advance, candidate.name, 1),
            imbalance=candidate.imbalance,
        )
        calibration, _ = choose(log_odds, labels, params.seed)
        results.append(
            CrossValidation(
                name=candidate.name,
                rows=len(frame),
                inputs=features.shape[1],
                auc_interval=fold_interval(labels, log_odds, parts, resamples, params.seed),
                **fold_result(labels, log_odds, parts, calibration),
            )
        )
    outcome = CrossValidations(results=results)
    write_atomically(workspace.crossvalidation, outcome.model_dump_json(indent=2) + "\n")
    return outcome
