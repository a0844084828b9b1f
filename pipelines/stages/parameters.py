"""Stage parameters: a scorecard's entry of `params.yaml` with every default, which DVC can follow key by key."""

from __future__ import annotations

from pathlib import Path

from pipelines.params import ScorecardParams
from pipelines.workspace import Workspace
from scoring.files import write_atomically
from scoring.scorecard import Scorecard


def parameters(scorecard: Scorecard, workspace: Workspace, params: ScorecardParams) -> Path:
    """Write `parameters.json`, and return its path.

    Raises:
        StageError: the scorecard lacks the features of a candidate.
    """
    params.require_features(scorecard)
    write_atomically(workspace.parameters, params.model_dump_json(indent=2) + "\n")
    return workspace.parameters
