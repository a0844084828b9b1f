"""Stages export, quantize and benchmark: the trained model as graphs, and which of them serves."""

from __future__ import annotations

from pipelines.artifacts import read_contents, read_graph
from pipelines.params import ScorecardParams
from pipelines.stages.train import load_trained
from pipelines.workspace import Workspace
from scoring.disk import writing
from scoring.expected import DataError
from scoring.files import remove_file, write_atomically
from scoring.graph import sha256
from scoring.scorecard import Scorecard
from training.evaluation.variants import Benchmark, compare_variants, markdown
from training.families.registry import FAMILIES
from training.graph.explain import with_explain_graph
from training.graph.inputs import graph_inputs
from training.graph.quantize import quantized
from training.parquet import read_parquet


def export(scorecard: Scorecard, workspace: Workspace) -> str:
    """Write the FP32 graph and return its sha256."""
    content = load_trained(workspace).graph(scorecard)
    write_atomically(workspace.fp32, content)
    return sha256(content)


def quantize(scorecard: Scorecard, workspace: Workspace, params: ScorecardParams) -> str:
    """Write the INT8 graph if the model has a usable one, and return one line about what came of it."""
    trained = load_trained(workspace)
    specification = trained.specification
    with writing(workspace.int8.parent):
        # Empty where there is no INT8 variant: DVC asks for the folder.
        workspace.int8.parent.mkdir(parents=True, exist_ok=True)
    remove_file(workspace.int8)
    if not FAMILIES[specification.family].has_int8:
        return "the winner has nothing to quantise"
    frame, _ = read_parquet(workspace.train)
    rows = frame.sample(min(params.quantization_rows, len(frame)), random_state=params.seed)
    inputs = graph_inputs(rows, specification.columns, scorecard.text_columns)
    content = quantized(read_graph(workspace, "fp32"), inputs)
    assert content is not None, f"{specification.family} declares an INT8 variant"
    every = graph_inputs(frame, specification.columns, scorecard.text_columns)
    # Eight bits from the smallest feature to a large one may leave nothing of the others.
    try:
        with_explain_graph(scorecard, content, every, trained.features(scorecard, every))
    except DataError as error:
        return f"no INT8 graph: in eight bits the winner's decisions would have no reasons: {error}"
    write_atomically(workspace.int8, content)
    return f"INT8 graph, sha256 {sha256(content)}"


def benchmark(scorecard: Scorecard, workspace: Workspace, params: ScorecardParams) -> Benchmark:
    """Write the variants' table, as JSON and as Markdown."""
    columns = load_trained(workspace).specification.columns
    test, _ = read_parquet(workspace.test)
    result = compare_variants(
        read_contents(workspace),
        graph_inputs(test, columns, scorecard.text_columns),
        test[scorecard.target].to_numpy(),
        scorecard.cutoff,
        params.variant_limits,
    )
    write_atomically(workspace.benchmark, result.model_dump_json(indent=2) + "\n")
    write_atomically(workspace.benchmark.with_suffix(".md"), markdown(result))
    return result
