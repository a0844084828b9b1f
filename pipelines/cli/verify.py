"""The checks that a model must hold."""

from __future__ import annotations

from pipelines.cli.checks import print_checks, print_rare_levels
from pipelines.cli.console import print_line
from pipelines.cli.options import ProfileName, ScorecardName, workspace_of
from pipelines.cli.tables import AsJson, print_json
from pipelines.params import read_params
from pipelines.stages import verify as stage
from scoring.scorecards import load
from training.errors import StageError
from training.evaluation.checks import failed


def verify(scorecard: ScorecardName, profile: ProfileName = None, as_json: AsJson = False) -> None:
    """Check the trained model on the test rows against the limits of params.yaml."""
    workspace = workspace_of(scorecard, profile)
    result = stage.verify(load(scorecard), workspace, read_params())
    if as_json:
        print_json(result)
    else:
        print_checks(f"{scorecard}: {result.serving} on {result.rows:,} test rows", result.checks)
        print_rare_levels(result.rare_levels)
    for found in result.without_pd:
        print_line("no PD", str(found))
    for variant, names in result.failed_others.items():
        print_line("verify", f"{variant} is not pushed, and does not serve: it fails {', '.join(names)}")
    written = workspace.verification
    if not result.holds:
        raise StageError(f"{scorecard} fails {', '.join(failed(result.checks))}: {written}")
    print_line("verify", f"every check holds: {written}")
