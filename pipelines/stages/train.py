"""Stage train: candidates compete, the winner is fitted on all training rows."""

from __future__ import annotations

from collections.abc import Callable

from pipelines.params import Params
from pipelines.workspace import Workspace
from scoring.disk import writing
from scoring.files import replace_folder, write_atomically
from scoring.leftovers import scratch_folder
from scoring.scorecard import Scorecard
from training.calibration import Calibration
from training.candidate import Advance, Specification, Trained
from training.competition import Competition, compete
from training.errors import StageError
from training.families.registry import FAMILIES
from training.parquet import read_parquet

SPECIFICATION = "specification.json"
CALIBRATION = "calibration.json"


def train(
    scorecard: Scorecard,
    workspace: Workspace,
    params: Params,
    advance: Advance = lambda name, fits: None,
    tell: Callable[[str], None] = lambda line: None,
) -> Competition:
    """Write the competition's results, and the winner's model folder.

    Args:
        scorecard: whose candidates compete.
        workspace: where training rows are read and the winner is written.
        params: those of `params.yaml`.
        advance: told of each fit that has ended.
        tell: told in a line of each candidate that has ended.

    Raises:
        StageError: the scorecard lacks the features of a candidate, or none of them holds every gate; the results are
            written all the same.
    """
    frame, _ = read_parquet(workspace.train)
    iterations = params.profile(workspace.profile).search_iterations
    knobs = params.scorecard(scorecard.name)
    knobs.require_features(scorecard)
    competition, winner = compete(scorecard, frame, knobs, iterations, advance, tell)
    write_atomically(workspace.candidates, competition.model_dump_json(indent=2) + "\n")
    if winner is None:
        raise StageError(f"{scorecard.name}: no candidate holds every gate: {workspace.candidates}")
    with scratch_folder(workspace.folder, ".train") as scratch:
        folder = scratch / "model"
        with writing(workspace.model):
            folder.mkdir()
            winner.model.save(folder)
        write_atomically(folder / SPECIFICATION, winner.specification.model_dump_json(indent=2) + "\n")
        write_atomically(folder / CALIBRATION, winner.calibration.model_dump_json(indent=2) + "\n")
        replace_folder(folder, workspace.model)
    return competition


def load_trained(workspace: Workspace) -> Trained:
    """Return the winner as `train` left it.

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
    """Return the competition's results.

    Raises:
        StageError: they are missing or damaged.
    """
    try:
        return Competition.model_validate_json(workspace.candidates.read_bytes())
    except (OSError, ValueError) as error:
        raise StageError(f"{workspace.candidates} holds no results: {error}; run: scorebox train") from None
