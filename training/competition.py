"""The candidates of a scorecard compete on the same folds; gates decide, not names."""

from __future__ import annotations

import pandas as pd
from pydantic import BaseModel

from scoring.scorecard import Scorecard
from training.candidate import Advance, Trained, fit_candidate
from training.competition_params import CompetitionParams
from training.selection import CandidateResult, judge


class Competition(BaseModel):
    """The candidates' results and the winner."""

    winner: str
    rows: int
    folds: int
    protected_fields: bool
    candidates: list[CandidateResult]


def fits_needed(params: CompetitionParams, search_iterations: int) -> int:
    """Return how many fits `compete` makes: for a progress bar."""
    searched = sum(bool(candidate.search) for candidate in params.candidates.values())
    return params.folds * (len(params.candidates) + searched * search_iterations) + len(params.candidates)


def compete(
    scorecard: Scorecard, frame: pd.DataFrame, params: CompetitionParams, search_iterations: int, advance: Advance
) -> tuple[Competition, Trained | None]:
    """Fit every candidate on the same folds of `frame` and judge them by the gates; no winner if none passes."""
    trained = [
        fit_candidate(
            scorecard,
            name,
            candidate,
            frame,
            fold_count=params.folds,
            seed=params.seed,
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
