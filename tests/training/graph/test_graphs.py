from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray

from scoring.features import raw
from scoring.graph import INPUT, Graph, open_session
from tests.training.graph.explained import card_default
from tests.training.models import FEATURES, fit_again, fitted
from training.evaluation.variants import FASTER, VariantLimits, compare_variants, markdown
from training.graph.frontend import front_graph
from training.graph.quantize import quantisable_nodes, quantized

FAMILIES = sorted(FEATURES)
METHODS = ["platt", "isotonic"]
VARIANTS = [(family, "fp32", method) for family in FAMILIES for method in METHODS] + [("network", "int8", "platt")]
ALONE = 1_000
SIZES = [*range(1, 65), *range(65, ALONE, 37), 127, 128, 129, 255, 256, 257, 511, 512, 513, ALONE]
"""Each small size, and some of the larger ones, those next to a power of two among them."""


def content(family: str, variant: str, method: str) -> bytes:
    model = fitted(family)
    graph = model.graph(method)
    if variant == "fp32":
        return graph
    int8 = quantized(graph, model.inputs[:512])
    assert int8 is not None
    return int8


@pytest.mark.parametrize(
    "sizes", [SIZES, pytest.param(range(1, ALONE + 1), marks=pytest.mark.slow)], ids=["some", "every"]
)
@pytest.mark.parametrize(("family", "variant", "method"), VARIANTS)
def test_a_score_does_not_depend_on_its_neighbours(
    family: str, variant: str, method: str, sizes: Sequence[int]
) -> None:
    """The same bits alone and in every batch size from 1 to 1,000."""
    graph = Graph(content(family, variant, method))
    inputs = fitted(family).inputs[:ALONE]
    alone = np.concatenate([graph.score(inputs[row : row + 1]) for row in range(ALONE)])
    differing = [size for size in sizes if not same_bits(graph.score(inputs[:size]), alone[:size])]
    assert differing == []


def same_bits(one: np.ndarray, other: np.ndarray) -> bool:
    return one.tobytes() == other.tobytes()


@pytest.mark.parametrize(("family", "variant", "method"), [(f, "fp32", "platt") for f in FAMILIES] + [VARIANTS[-1]])
def test_a_fresh_process_gives_the_same_bits(family: str, variant: str, method: str, tmp_path: Path) -> None:
    graph = content(family, variant, method)
    inputs = fitted(family).inputs[:100]
    (tmp_path / "graph.onnx").write_bytes(graph)
    np.save(tmp_path / "numeric.npy", inputs.numeric)
    program = (
        "import sys, numpy as np; from pathlib import Path; from scoring.graph import Graph, Inputs; "
        "graph = Graph(Path('graph.onnx').read_bytes()); numeric = np.load('numeric.npy'); "
        "sys.stdout.write(graph.score(Inputs(numeric[::-1].copy()))[::-1].tobytes().hex())"
    )
    printed = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=True
    ).stdout
    assert printed == Graph(graph).score(inputs).tobytes().hex()


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("family", FAMILIES)
def test_the_graph_gives_the_calibrated_pd_of_the_model(family: str, method: str) -> None:
    model = fitted(family)
    expected = model.calibration(method).pd(model.model.log_odds(model.features))
    assert Graph(model.graph(method)).score(model.inputs) == pytest.approx(expected, abs=2e-6)


@pytest.mark.parametrize("family", FAMILIES)
def test_the_same_training_gives_the_same_bytes(family: str) -> None:
    assert fit_again(family).graph() == fitted(family).graph()


def test_another_seed_gives_another_network() -> None:
    assert fit_again("network", seed=6).graph() != fitted("network").graph()


@pytest.mark.parametrize("family", FAMILIES)
def test_a_model_from_its_file_gives_the_same_graph(family: str, tmp_path: Path) -> None:
    from training.families.registry import FAMILIES as REGISTERED
    from training.graph.export import export_graph

    model = fitted(family)
    model.model.save(tmp_path)
    again = REGISTERED[family].load(tmp_path)
    assert export_graph(model.blocks, model.columns, again, model.calibration("platt")) == model.graph()


@pytest.mark.parametrize("family", FAMILIES)
def test_a_graph_tells_nothing_of_the_machine(family: str) -> None:
    graph = fitted(family).graph()
    traces = (b".py", b"stack_trace", b"pkg.torch", str(Path.cwd()).encode(), str(Path.home()).encode())
    assert [trace for trace in traces if trace in graph] == []
    loaded = onnx.load_from_string(graph)
    parts = [*loaded.graph.node, *loaded.graph.initializer, *loaded.graph.value_info]
    assert [part.name for part in parts if len(part.metadata_props) or part.doc_string] == []


def test_no_operator_is_used_whose_bits_depend_on_the_batch() -> None:
    used = {node.op_type for family in FAMILIES for node in onnx.load_from_string(fitted(family).graph()).graph.node}
    assert used & {"Log", "Exp", "ReduceSum", "ReduceMean", "LinearClassifier"} == set()


@pytest.mark.parametrize("width", [2, 6, 7, 16, 17])
@pytest.mark.parametrize("kind", ["largest", "smallest"])
def test_the_largest_and_the_smallest_keep_their_bits_in_every_batch_size(kind: str, width: int) -> None:
    """Zeros of both signs, and numbers next to zero, are where an order of comparisons could show."""
    names = [f"column {position}" for position in range(width)]
    block = getattr(raw(*names), kind)("extreme")
    session = open_session(front_graph([block], names).SerializeToString())
    generator = np.random.default_rng(width)
    rows = generator.choice([0.0, -0.0, 1e-40, -1e-40, 1.0, -1.0, 3e38], size=(1000, width)).astype(np.float32)
    rows[::2] = generator.normal(size=(500, width))

    def run(some: NDArray[np.float32]) -> NDArray[np.float32]:
        return np.asarray(session.run(None, {INPUT: some})[0], dtype=np.float32)

    alone = np.concatenate([run(rows[row : row + 1]) for row in range(len(rows))])
    assert alone[:, 0].tolist() == (rows.max(axis=1) if kind == "largest" else rows.min(axis=1)).tolist()
    sizes = range(1, len(rows) + 1)
    assert [size for size in sizes if run(rows[:size]).tobytes() != alone[:size].tobytes()] == []


def test_int8_quantises_the_layers_of_the_network_only() -> None:
    graph = onnx.load_from_string(content("network", "fp32", "platt"))
    assert len(quantisable_nodes(graph)) == 3
    assert all(name.startswith("model/") for name in quantisable_nodes(graph))


def test_a_tree_ensemble_has_no_int8_variant() -> None:
    model = fitted("boosting")
    assert quantized(model.graph(), model.inputs) is None


def test_quantising_twice_gives_the_same_bytes() -> None:
    assert content("network", "int8", "platt") == content("network", "int8", "platt")


WIDE = VariantLimits(flipped_share=1, auc_drop=1, brier_rise=1)


@pytest.mark.slow
def test_the_table_shows_what_int8_changes() -> None:
    model = fitted("network")
    table = compare_variants(
        {"fp32": card_default("network").both, "int8": card_default("network", "int8").both},
        model.inputs,
        model.labels,
        0.25,
        WIDE,
    )
    fp32, int8 = table.variants
    assert (fp32.largest_pd_difference, fp32.flipped_decisions, fp32.auc_change) == (0, 0, 0)
    assert 0 < int8.mean_pd_difference < int8.largest_pd_difference < 0.2
    assert int8.bytes < fp32.bytes
    assert set(int8.microseconds) == {1, 64, 1_024, 65_536}
    faster = all(int8.microseconds[rows] <= FASTER * fp32.microseconds[rows] for rows in (1, 64))
    faster = faster and int8.reasons_microseconds <= fp32.reasons_microseconds
    assert table.serving == ("int8" if faster else "fp32")
    assert markdown(table).count("\n") == 6


@pytest.mark.slow
def test_int8_that_flips_too_many_decisions_does_not_serve() -> None:
    model = fitted("network")
    table = compare_variants(
        {"fp32": card_default("network").both, "int8": card_default("network", "int8").both},
        model.inputs,
        model.labels,
        float(np.median(Graph(model.graph()).score(model.inputs))),
        WIDE.model_copy(update={"flipped_share": 0.0}),
    )
    assert table.serving == "fp32"
    assert "flipped_share" in table.reason


@pytest.mark.slow
def test_without_int8_fp32_serves_and_the_table_says_why() -> None:
    model = fitted("boosting")
    table = compare_variants({"fp32": card_default("boosting").both}, model.inputs, model.labels, 0.25, WIDE)
    assert (table.serving, len(table.variants)) == ("fp32", 1)
    assert "a tree ensemble has no layers to quantise" in table.reason
