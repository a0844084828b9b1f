"""The candidates of a scorecard compete on the same folds; gates decide, not names."""

from __future__ import annotations

import time
from collections.abc import Callable

import pandas as pd
from pydantic import BaseModel

from scoring.scorecard import Scorecard
from training.candidate import (
    Advance,
    FittedCandidate,
    Trained,
    fit_candidate,
    prepare_candidate,
    time_reasons,
)
from training.competition_params import CompetitionParams
from training.selection import CandidateResult, choose_winner
from training.workers import workers


class Competition(BaseModel):
    """The candidates' results and the winner."""

    winner: str
    rows: int
    folds: int
    protected_fields: bool
    candidates: list[CandidateResult]


def fits_needed(params: CompetitionParams, search_iterations: int) -> int:
    """Return how many fits `compete` makes: for a progress bar."""
    return sum(
        params.folds * (search_iterations if candidate.search else 1) + 1 for candidate in params.candidates.values()
    )


def compete(
    scorecard: Scorecard,
    frame: pd.DataFrame,
    params: CompetitionParams,
    search_iterations: int,
    advance: Advance,
    tell: Callable[[str], None],
) -> tuple[Competition, Trained | None]:
    """Fit every candidate on the same folds of `frame` and judge them by the gates; no winner if none passes.

    Candidates and their folds are fitted side by side. Reasons are timed when no other fit runs.

    Args:
        scorecard: whose candidates compete.
        frame: the training rows.
        params: candidates, folds and gates.
        search_iterations: draws per candidate that is searched.
        advance: told of each fit that has ended.
        tell: told in a line of each candidate that has ended.

    Raises:
        StageError: a candidate cannot be fitted; the message names it.
    """
    started = time.monotonic()
    fitted: dict[str, FittedCandidate] = {}

    def fit(name: str) -> FittedCandidate:
        prepared = prepare_candidate(
            scorecard,
            name,
            params.candidates[name],
            frame,
            fold_count=params.folds,
            seed=params.seed,
            protected_fields=params.protected_fields,
            rare_level_rows=params.rare_level_rows,
            calibration=params.calibration,
        )
        return fit_candidate(prepared, side_by_side, search_iterations=search_iterations, advance=advance)

    # Searches first: they take longest, and their last fits would otherwise run alone.
    order = sorted(params.candidates, key=lambda name: not params.candidates[name].search)
    with workers() as side_by_side:
        for done in side_by_side.for_each(fit, order):
            name = done.trained.specification.candidate
            fitted[name] = done
            auc, deviation = done.figures["auc"], done.figures["auc_deviation"]
            tell(f"{name:<18} AUC {auc:.4f} ± {deviation:.4f}, after {time.monotonic() - started:.0f} s")
    results = {name: fitted[name].result(time_reasons(scorecard, fitted[name])) for name in params.candidates}
    winner = choose_winner(
        list(results.values()),
        auc_tolerance=params.gates.auc_tolerance,
        calibration_error_limit=params.gates.expected_calibration_error,
        reasons_microseconds_limit=params.gates.reasons_microseconds,
    )
    competition = Competition(
        winner=winner.name if winner else "",
        rows=len(frame),
        folds=params.folds,
        protected_fields=params.protected_fields,
        candidates=list(results.values()),
    )
    return competition, fitted[winner.name].trained if winner else None
