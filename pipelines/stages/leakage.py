"""Figures that careless splits of a scorecard's rows would have reported, next to the honest one."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from pipelines.params import Params
from pipelines.workspace import Workspace
from scoring.files import write_atomically
from scoring.models import DATA_LABELS
from scoring.scorecard import Scorecard
from training.candidate import candidate_blocks
from training.evaluation.intervals import Estimate
from training.evaluation.leakage import HONEST, HeldOutRows, compare_splits, markdown
from training.evaluation.report import no_better_than_chance
from training.graph.frontend import feature_matrix
from training.graph.inputs import graph_inputs
from training.parquet import data_kind, read_parquet
from training.split import applicants


def leakage(
    scorecard: Scorecard, workspace: Workspace, params: Params, advance: Callable[[str, int], None]
) -> Mapping[str, Mapping[str, Estimate]]:
    """Write `leakage.md`: every model on all rows, with the published features and the protected columns.

    Raises:
        DataError: there are no applications, or so many defaults that nothing can be thinned.
    """
    frame, metadata = read_parquet(workspace.applications)
    columns = [column for column in scorecard.inputs if column in frame]
    blocks = candidate_blocks(scorecard, "published", protected_fields=True)
    rows = HeldOutRows(
        feature_matrix(blocks, columns, graph_inputs(frame, columns, scorecard.text_columns)),
        frame[scorecard.target].to_numpy(),
        applicants(scorecard, frame),
    )
    outcome = compare_splits(
        rows,
        resamples=params.profile(workspace.profile).bootstrap_resamples,
        seed=params.scorecard(scorecard.name).seed,
        tell=advance,
    )
    title = f"{scorecard.name} ({DATA_LABELS[data_kind(metadata)]})"
    best = max(outcome[HONEST.name].values(), key=lambda item: item["value"])
    write_atomically(
        workspace.leakage,
        "\n".join(
            [
                f"# {title}: what a careless split would report\n",
                "AUC over five folds, and its 95 % interval over resampled applicants.\n",
                markdown(outcome),
                f"The first line is the honest one. {no_better_than_chance(best)}".rstrip() + "\n",
            ]
        ),
    )
    return outcome
