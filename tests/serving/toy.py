"""A small logistic scorecard model in a model store of its own, for tests of serving."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from scoring import models, scorecards
from scoring.decision import Variant
from scoring.graph import COLUMNS_KEY, INPUT, OUTPUT, Inputs, sha256
from scoring.models import Content
from scoring.reasons import STATEMENTS_KEY
from tests.here import store_at
from training.graph.explain import with_explain_graph

SCORECARD = scorecards.load("card_default")
COLUMNS = [column for column in SCORECARD.columns if column not in SCORECARD.protected]
VERSION = "1.0.0"


def graph(columns: list[str], *, shift: float = 0.0) -> bytes:
    """A logistic regression over raw columns: late payments raise the PD, the limit lowers it."""
    weights = np.zeros((len(columns), 1), dtype=np.float32)
    for position, column in enumerate(columns):
        if column.startswith("PAY_") and "AMT" not in column:
            weights[position] = 0.4
        elif column == "LIMIT_BAL":
            weights[position] = -2e-6
        elif column.startswith("BILL"):
            weights[position] = 1e-7
    bias = np.array([-1.0 + shift], dtype=np.float32)
    nodes = [
        helper.make_node("Gemm", [INPUT, "weights", "bias"], ["log_odds"]),
        helper.make_node("Sigmoid", ["log_odds"], [OUTPUT]),
    ]
    body = helper.make_graph(
        nodes,
        "toy",
        [helper.make_tensor_value_info(INPUT, TensorProto.FLOAT, ["rows", len(columns)])],
        [helper.make_tensor_value_info(OUTPUT, TensorProto.FLOAT, ["rows", 1])],
        [numpy_helper.from_array(weights, "weights"), numpy_helper.from_array(bias, "bias")],
    )
    model = helper.make_model(body, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    helper.set_model_props(model, {COLUMNS_KEY: json.dumps(columns)})
    content: bytes = model.SerializeToString()
    return content


def content(columns: list[str] | None = None, *, shift: float = 0.0) -> Content:
    """The toy's graph, and the one that explains it."""
    columns = columns or COLUMNS
    made = graph(columns, shift=shift)
    sample = SCORECARD.sample(np.random.default_rng(3), 1_000)
    inputs = Inputs(np.stack([sample[name] for name in columns], axis=1).astype(np.float32))
    return with_explain_graph(SCORECARD, made, inputs, inputs.numeric)


def without_statements(made: Content) -> Content:
    """The same as an earlier version wrote it, before reasons had statements."""
    model = onnx.load_from_string(made.explain)
    kept = {entry.key: entry.value for entry in model.metadata_props if entry.key != STATEMENTS_KEY}
    del model.metadata_props[:]
    helper.set_model_props(model, kept)
    return Content(made.graph, model.SerializeToString())


def stored(columns: list[str] | None = None, *, version: str = VERSION, shift: float = 0.0) -> models.StoredModel:
    """The toy as it comes from the store."""
    made = content(columns, shift=shift)
    return models.open_model(record("fp32", made, columns or COLUMNS, version=version), made)


def record(
    variant: Variant, content: Content, columns: list[str], *, sample: bool = True, version: str = VERSION
) -> models.ModelRecord:
    return models.ModelRecord(
        scorecard=SCORECARD.name,
        version=version,
        variant=variant,
        family="logistic",
        graph_sha256=sha256(content.graph),
        explain_sha256=sha256(content.explain),
        columns=columns,
        cutoff=SCORECARD.cutoff,
        data=models.DataRecord(sha256="0" * 64, rows=1000, default_share=0.2212, sample=sample),
        metrics={"auc": 0.75, "brier": 0.14},
        git_revision="0123456789abcdef",
        mlflow_run_id="toy",
        libraries={"onnx": onnx.__version__},
    )


def push_release(
    release: Path, columns: list[str] | None = None, *, version: str = VERSION, shift: float = 0.0
) -> models.Release:
    """Pushes both variants into the store at BENTOML_HOME and writes their release."""
    columns = columns or COLUMNS
    tags: dict[Variant, str] = {}
    variants: tuple[tuple[Variant, float], ...] = (("fp32", shift), ("int8", shift + 0.001))
    for variant, moved in variants:
        made = content(columns, shift=moved)
        entry = record(variant, made, columns, version=version)
        models.push(entry, made)
        tags[variant] = entry.tag
    written = models.Release(scorecard=SCORECARD.name, version=version, serving="fp32", tags=tags)
    written.write(release)
    return written


def push_release_in(home: Path, release: Path, version: str = VERSION, shift: float = 0.0) -> models.Release:
    """Push both variants into the store at `home` and write their release."""
    with store_at(home):
        return push_release(release, version=version, shift=shift)


def environment(home: Path) -> dict[str, str]:
    """Return the environment of a process with the model store at `home`, and the journal there too."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("SCOREBOX_")}
    return kept | {"BENTOML_HOME": str(home), "SCOREBOX_JOURNAL": str(home / "journal")}
