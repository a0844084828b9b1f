"""Puts a logistic scorecard graph into a model store and writes its release.

Run as its own process, because BentoML reads BENTOML_HOME once, when it is imported.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
from onnx import TensorProto, helper

from scoring import scorecards
from scoring.graph import COLUMNS_KEY, INPUT, OUTPUT, sha256
from scoring.models import DataRecord, ModelRecord, Release, push
from scoring.scorecard import Scorecard


def graph(scorecard: Scorecard) -> bytes:
    """PD = sigmoid(w x - 1), each weight scaled to its column's range."""
    rules = [rule for rule in scorecard.rules if rule.required]
    weights = [(-1) ** place / max(abs(rule.minimum), abs(rule.maximum)) for place, rule in enumerate(rules)]
    nodes = [
        helper.make_node("Gemm", [INPUT, "weights", "bias"], ["log_odds"]),
        helper.make_node("Sigmoid", ["log_odds"], [OUTPUT]),
    ]
    model = helper.make_model(
        helper.make_graph(
            nodes,
            "logistic",
            [helper.make_tensor_value_info(INPUT, TensorProto.FLOAT, ["rows", len(rules)])],
            [helper.make_tensor_value_info(OUTPUT, TensorProto.FLOAT, ["rows", 1])],
            [
                helper.make_tensor("weights", TensorProto.FLOAT, [len(rules), 1], np.array(weights, np.float32)),
                helper.make_tensor("bias", TensorProto.FLOAT, [1], [-1.0]),
            ],
        ),
        opset_imports=[helper.make_opsetid("", 18)],
        ir_version=10,
    )
    helper.set_model_props(model, {COLUMNS_KEY: json.dumps([rule.column for rule in rules])})
    content: bytes = model.SerializeToString()
    return content


def main(name: str, release: Path) -> None:
    """Pushes the graph of the scorecard `name` and writes the release."""
    scorecard = scorecards.load(name)
    content = graph(scorecard)
    record = ModelRecord(
        scorecard=name,
        version="test",
        variant="fp32",
        family="logistic",
        graph_sha256=sha256(content),
        columns=[rule.column for rule in scorecard.rules if rule.required],
        cutoff=scorecard.cutoff,
        data=DataRecord(sha256="0" * 64, rows=0, default_share=0.0, sample=True),
        metrics={},
        git_revision="none",
        mlflow_run_id="none",
        libraries={},
    )
    push(record, content)
    Release(scorecard=name, version="test", serving="fp32", tags={"fp32": record.tag}).write(release)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
