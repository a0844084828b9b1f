"""The candidates over the whole data set."""

from __future__ import annotations

from functools import partial
from typing import Annotated

import typer

from pipelines.cli.console import print_line, steps
from pipelines.cli.options import ProfileName, ScorecardName, workspace_of
from pipelines.params import read_params
from pipelines.stages import crossvalidate as stage
from scoring.scorecards import load

RareLevelRows = Annotated[
    int | None,
    typer.Option(
        min=0, help="In place of rare_level_rows of params.yaml, to see what it costs; then nothing is written."
    ),
]


def crossvalidate(scorecard: ScorecardName, profile: ProfileName = None, rare_level_rows: RareLevelRows = None) -> None:
    """Repeat the candidates' folds over the whole data set, to compare with published figures."""
    card, workspace, params = load(scorecard), workspace_of(scorecard, profile), read_params()
    knobs = params.scorecard(scorecard)
    with steps(len(knobs.candidates) * knobs.folds) as advance:
        outcome = stage.crossvalidate(card, workspace, params, advance, partial(print_line, "folds"), rare_level_rows)
    for result in outcome.results:
        low, high = result.auc_interval["low"], result.auc_interval["high"]
        print_line("folds", f"{result.name:<18} AUC {result.auc:.4f} [{low:.4f}, {high:.4f}] over {result.rows:,} rows")
