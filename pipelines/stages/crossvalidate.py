"""Cross-validation over the whole data set, with the parameters that the competition settled on.

The competition itself sees only training rows; this repeats its folds over all of them, to compare
with figures that others publish.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from pydantic import BaseModel

from pipelines.params import Params
from pipelines.stages.train import load_competition
from pipelines.workspace import Workspace
from scoring.files import write_atomically
from scoring.scorecard import Scorecard
from training.calibration import choose
from training.candidate import Advance, prepare_candidate
from training.evaluation.intervals import Estimate
from training.parquet import read_parquet
from training.selection import CandidateResult, fold_interval, fold_result, out_of_fold
from training.workers import workers


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
    tied_share: float = 0.0


class CrossValidations(BaseModel):
    """Every candidate over all rows."""

    results: list[CrossValidation]


def crossvalidate(
    scorecard: Scorecard,
    workspace: Workspace,
    knobs: Params,
    advance: Advance,
    tell: Callable[[str], None] = lambda line: None,
    rare_level_rows: int | None = None,
) -> CrossValidations:
    """Write `crossvalidation.json`: each candidate on the same folds of the whole data set, side by side.

    Args:
        scorecard: whose candidates they are.
        workspace: where the applications and the competition's results are.
        knobs: those of `params.yaml`.
        advance: told of each fit that has ended.
        tell: told in a line of each candidate that has ended.
        rare_level_rows: in place of the one of `params.yaml`; then nothing is written.

    Raises:
        StageError: there are no results of a competition.
    """
    params = knobs.scorecard(scorecard.name)
    resamples = knobs.profile(workspace.profile).bootstrap_resamples
    frame, _ = read_parquet(workspace.applications)
    candidates = load_competition(workspace).candidates

    def validate(result: CandidateResult) -> CrossValidation:
        prepared = prepare_candidate(
            scorecard,
            result.name,
            result.settled,
            frame,
            fold_count=params.folds,
            seed=params.seed,
            protected_fields=params.protected_fields,
            rare_level_rows=params.rare_level_rows if rare_level_rows is None else rare_level_rows,
        )
        labels, folds = prepared.labels, prepared.folds
        log_odds = out_of_fold(
            side_by_side,
            prepared.family,
            labels,
            folds,
            result.parameters,
            params.seed,
            tick=partial(advance, result.name, 1),
            imbalance=result.imbalance,
        )
        interval = side_by_side.submit(fold_interval, labels, log_odds, folds, resamples, params.seed)
        calibration, _ = choose(log_odds, labels, params.seed, params.calibration)
        return CrossValidation(
            name=result.name,
            rows=len(frame),
            inputs=prepared.features.shape[1],
            auc_interval=interval.result(),
            **fold_result(labels, log_odds, folds, calibration),
        )

    done: dict[str, CrossValidation] = {}
    with workers() as side_by_side:
        for validated in side_by_side.for_each(validate, candidates):
            done[validated.name] = validated
            tell(f"{validated.name:<18} AUC {validated.auc:.4f} ± {validated.auc_deviation:.4f}")
    outcome = CrossValidations(results=[done[result.name] for result in candidates])
    if rare_level_rows is None:
        write_atomically(workspace.crossvalidation, outcome.model_dump_json(indent=2) + "\n")
    return outcome
