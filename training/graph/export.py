"""The whole graph of a scorecard: features, model and calibration in one ONNX file.

The bytes depend on nothing but the model: exporter metadata (source lines, paths) is removed, and
names are given in order.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

import onnx
from onnx import compose

from scoring.features import Block
from scoring.graph import COLUMNS_KEY, OUTPUT, TEXT_COLUMNS_KEY
from training.calibration import Calibration
from training.families.family import LOG_ODDS, Model
from training.graph.frontend import FEATURES, OPSET, build_model, front_graph, input_widths, split_columns
from training.graph.levels import Merges


def export_graph(
    blocks: Sequence[Block], columns: Sequence[str], model: Model, calibration: Calibration, merges: Merges = ()
) -> bytes:
    """Return the ONNX file from raw columns, in this order, to PD; `merges` are of the rows that the model is of."""
    front = front_graph(blocks, columns, merges)
    body = stripped(model.to_onnx(calibration.slope, calibration.intercept))
    body = compose.add_prefix(body, "model/", rename_inputs=False, rename_outputs=False)
    merged = compose.merge_models(
        front, body, io_map=[(FEATURES, FEATURES)], outputs=[LOG_ODDS], producer_name="scorebox"
    )
    nodes, constants = calibration.graph_tail()
    graph = merged.graph
    widths = input_widths(blocks, columns)
    whole = build_model([*graph.node, *nodes], widths, {OUTPUT: 1}, [*graph.initializer, *constants])
    numeric, text = split_columns(blocks, columns)
    properties = {COLUMNS_KEY: json.dumps(numeric)}
    if text:
        properties[TEXT_COLUMNS_KEY] = json.dumps(text)
    onnx.helper.set_model_props(whole, properties)
    onnx.checker.check_model(whole, full_check=True)
    content: bytes = whole.SerializeToString(deterministic=True)
    return content


def stripped(model: onnx.ModelProto) -> onnx.ModelProto:
    """Return the model without what the exporter notes about the machine and the source it ran from."""
    clean = onnx.ModelProto()
    clean.CopyFrom(model)
    assert all(entry.version == OPSET for entry in clean.opset_import if not entry.domain), clean.opset_import
    del clean.metadata_props[:]
    clean.doc_string = clean.producer_name = clean.producer_version = ""
    graph = clean.graph
    del graph.metadata_props[:]
    graph.doc_string = ""
    del graph.value_info[:]
    for part in (*graph.node, *graph.initializer, *graph.input, *graph.output):
        del part.metadata_props[:]
        part.doc_string = ""
    return clean
