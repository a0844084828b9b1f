"""The folder of one registered version: MLflow's model, the other graphs, and the records for the model store."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path

import mlflow
import onnx
import pandas as pd
from mlflow.models import Model, ModelSignature
from mlflow.types import ColSpec, DataType, Schema, TensorSpec
from pydantic import TypeAdapter

from pipelines.governance import mlflow_loader
from scoring.decision import Variant
from scoring.disk import writing
from scoring.graph import Graph
from scoring.models import Content, ModelRecord
from scoring.scorecard import Scorecard

RECORDS_FILE = "records.json"
GRAPH_FILES: dict[Variant, str] = {"fp32": "model.onnx", "int8": "int8.onnx"}
EXPLAIN_FILES: dict[Variant, str] = {"fp32": "explain.onnx", "int8": "explain_int8.onnx"}
RECORDS: TypeAdapter[dict[Variant, ModelRecord]] = TypeAdapter(dict[Variant, ModelRecord])
LOADER = "scorebox_pyfunc"
CODE = "code"


def save_version(
    folder: Path,
    scorecard: Scorecard,
    records: Mapping[Variant, ModelRecord],
    contents: Mapping[Variant, Content],
) -> None:
    """Write the folder: the FP32 graph in MLflow's ONNX flavour, with the other graphs and the records.

    Raises:
        CannotWriteError: it cannot be written.
    """
    with writing(folder):
        _save_model(folder, scorecard, contents["fp32"].graph)
        for variant, content in contents.items():
            (folder / GRAPH_FILES[variant]).write_bytes(content.graph)
            (folder / EXPLAIN_FILES[variant]).write_bytes(content.explain)
        (folder / RECORDS_FILE).write_bytes(RECORDS.dump_json(dict(records), indent=2))


def read_content(folder: Path, variant: Variant) -> Content:
    """Return the bytes of a variant from such a folder."""
    return Content((folder / GRAPH_FILES[variant]).read_bytes(), (folder / EXPLAIN_FILES[variant]).read_bytes())


def _save_model(folder: Path, scorecard: Scorecard, content: bytes) -> None:
    graph = Graph(content)
    mlflow.onnx.save_model(
        onnx.load_model_from_string(content),
        str(folder),
        signature=_signature(scorecard, graph),
        input_example=_example(scorecard, graph),
        # Named, or MLflow would load the model in a process of its own to find them.
        pip_requirements=[
            f"{library}=={version(library)}" for library in ("mlflow", "numpy", "onnx", "onnxruntime", "pandas")
        ],
        onnx_execution_providers=["CPUExecutionProvider"],
        # One file, and with it the recorded hash.
        save_as_external_data=False,
    )
    # MLflow's own loader of ONNX knows the graph's two arrays, and no column by its name.
    (folder / CODE).mkdir()
    shutil.copyfile(mlflow_loader.__file__, folder / CODE / f"{LOADER}.py")
    described = Model.load(str(folder))
    described.flavors["python_function"] |= {"loader_module": LOADER, "code": CODE}
    described.save(str(folder / "MLmodel"))


def _signature(scorecard: Scorecard, graph: Graph) -> ModelSignature:
    """Return the columns that the graph reads, with their types, and the column of PDs."""
    rules = {rule.column: rule for rule in scorecard.rules}
    columns: list[ColSpec | TensorSpec] = []
    for name in graph.columns:
        rule = rules.get(name)
        required = rule is not None and not scorecard.may_be_missing(rule)
        # A whole number that may be missing is a float in a table of pandas.
        whole = rule is not None and rule.kind == "integer" and required
        kind = DataType.string if name in graph.text_columns else DataType.long if whole else DataType.double
        columns.append(ColSpec(kind, name, required=required))
    return ModelSignature(Schema(columns), Schema([ColSpec(DataType.float, "pd")]))


def _example(scorecard: Scorecard, graph: Graph) -> pd.DataFrame:
    """Return the scorecard's example as one row of these columns."""
    application = scorecard.request_model(graph.columns).model_validate(dict(scorecard.example))
    given = application.model_dump(by_alias=True)
    specs = {spec.name: spec for spec in _signature(scorecard, graph).inputs.inputs}
    frame = pd.DataFrame([{name: given.get(name) for name in graph.columns}])
    return frame.astype(
        {name: "object" if spec.type == DataType.string else spec.type.to_pandas() for name, spec in specs.items()}
    )
