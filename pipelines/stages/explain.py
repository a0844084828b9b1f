"""Stage explain: the graph that gives the reasons of a decision, one per variant."""

from __future__ import annotations

from pipelines.artifacts import read_variants
from pipelines.stages.train import load_trained
from pipelines.workspace import Workspace
from scoring.decision import Variant
from scoring.disk import writing
from scoring.files import remove_file, write_atomically
from scoring.reasons import Explainer
from scoring.scorecard import Scorecard
from training.graph.explain import with_explain_graph
from training.graph.inputs import graph_inputs
from training.parquet import read_parquet


def explain(scorecard: Scorecard, workspace: Workspace) -> dict[Variant, Explainer]:
    """Write the explain graph of each variant, and return them opened."""
    trained = load_trained(workspace)
    frame, _ = read_parquet(workspace.train)
    inputs = graph_inputs(frame, trained.specification.columns, scorecard.text_columns)
    features = trained.features(scorecard, inputs)
    written = {}
    folder = workspace.explain("fp32").parent
    with writing(folder):
        folder.mkdir(exist_ok=True)
    variants = read_variants(workspace)
    for variant, content in variants.items():
        explained = with_explain_graph(scorecard, content, inputs, features).explain
        write_atomically(workspace.explain(variant), explained)
        written[variant] = Explainer(explained)
    for path in folder.glob("*.onnx"):
        if path.stem not in variants:
            remove_file(path)
    return written
