"""The models of one scorecard in MLflow's registry: versions, aliases, and who was champion when.

A version holds every graph of one training, the record of each for the model store, a signature and
an input example. Aliases: `champion` serves, `challenger` would like to.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal

import mlflow
import numpy as np
import onnx
from mlflow import MlflowClient
from mlflow.entities.model_registry import ModelVersion
from mlflow.exceptions import MlflowException
from mlflow.models import ModelSignature
from mlflow.protos.databricks_pb2 import RESOURCE_DOES_NOT_EXIST, ErrorCode
from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository
from mlflow.types import Schema, TensorSpec
from pydantic import BaseModel, TypeAdapter, ValidationError

from scoring import models
from scoring.decision import Variant
from scoring.frames import thin_frame
from scoring.graph import Graph
from scoring.models import Content, ModelRecord, ModelStoreError, Release
from scoring.scorecard import Scorecard
from training.errors import StageError
from training.sources import REAL, SAMPLE
from training.tracking import connected

CHAMPION, CHALLENGER = "champion", "challenger"
CHAMPIONS = "scorebox.champions"
"""Tag of the registered model that holds its `ChampionHistory`."""
RECORDS_FILE = "records.json"
GRAPH_FILES: dict[Variant, str] = {"fp32": "model.onnx", "int8": "int8.onnx"}
EXPLAIN_FILES: dict[Variant, str] = {"fp32": "explain.onnx", "int8": "explain_int8.onnx"}
RECORDS = TypeAdapter(dict[Variant, ModelRecord])

Move = Literal["promotion", "rollback"]


class ChampionHistory(BaseModel):
    """The champions in order, the present one last, and a move that has not been finished.

    One tag, so one write: it is made before alias and release are moved, and says what they must
    become if the process ends in between.
    """

    champions: list[int] = []
    unfinished: Move | None = None


@dataclass(frozen=True)
class Registered:
    """One version in the registry."""

    number: int
    tags: Mapping[str, str]

    @property
    def release(self) -> Release:
        """The release that makes it serve, by exact tags of the model store."""
        tags = {variant: self.tags[f"store_tag_{variant}"] for variant in self.variants}
        return Release.model_validate(
            {
                "scorecard": self.tags["scorecard"],
                "version": self.tags["store_version"],
                "serving": self.tags["serving"],
                "tags": tags,
            }
        )

    @property
    def variants(self) -> list[Variant]:
        """The variants that it holds."""
        return [variant for variant in GRAPH_FILES if f"store_tag_{variant}" in self.tags]


class Registry:
    """The registered model of one scorecard.

    Every method raises TrackingError if the server cannot be reached or refuses.
    """

    def __init__(self, scorecard: Scorecard) -> None:
        self._scorecard = scorecard
        self._name = scorecard.name

    def versions(self) -> list[Registered]:
        """Return all versions, oldest first."""
        with connected("list the models") as client:
            found = client.search_model_versions(f"name = '{self._name}'")
        return sorted((_registered(item) for item in found), key=lambda item: item.number)

    def version(self, number: int) -> Registered:
        """Return the version of that number.

        Raises:
            StageError: there is none.
        """
        found = next((item for item in self.versions() if item.number == number), None)
        if found is None:
            raise StageError(
                f"{self._name} has no version {number} in the registry; see: scorebox registry {self._name}"
            )
        return found

    def aliases(self) -> dict[str, int]:
        """Return which version each alias is at; empty before the first push."""
        with connected("find the aliases") as client:
            entry = _entry(client, self._name)
        return {alias: int(number) for alias, number in entry.aliases.items()} if entry else {}

    def champion_history(self) -> ChampionHistory:
        """Return the champions so far."""
        with connected("read the champions") as client:
            entry = _entry(client, self._name)
        return (
            ChampionHistory.model_validate_json(entry.tags[CHAMPIONS])
            if entry and CHAMPIONS in entry.tags
            else ChampionHistory()
        )

    def write_history(self, history: ChampionHistory) -> None:
        """Replace the champion history."""
        with connected("record the champion") as client:
            client.set_registered_model_tag(self._name, CHAMPIONS, history.model_dump_json())

    def point(self, alias: str, number: int) -> None:
        """Move an alias to a version."""
        with connected(f"move the alias {alias}") as client:
            client.set_registered_model_alias(self._name, alias, str(number))

    def drop(self, alias: str) -> None:
        """Delete an alias."""
        with connected(f"take the alias {alias} away") as client:
            client.delete_registered_model_alias(self._name, alias)

    def tag(self, number: int, name: str, value: str) -> None:
        """Set a tag of a version."""
        with connected("tag the model") as client:
            client.set_model_version_tag(self._name, str(number), name, value)

    def register(
        self,
        records: Mapping[Variant, ModelRecord],
        contents: Mapping[Variant, Content],
        tags: Mapping[str, str],
    ) -> tuple[Registered, bool]:
        """Return the version of these bytes, and whether it is new; the same bytes are registered once.

        The files go to the training's own run, so it must be on the server.
        """
        record = records["fp32"]
        for item in self.versions():
            if item.tags["store_version"] == record.version:
                return item, False
        with connected("register the model") as client, tempfile.TemporaryDirectory() as temporary:
            folder = Path(temporary, "model")
            self._save(folder, records, contents)
            if _entry(client, self._name) is None:
                client.create_registered_model(self._name, description=self._scorecard.title)
            place = f"model/{record.version}"
            files = client.get_run(record.mlflow_run_id).info.artifact_uri
            store: Any = get_artifact_repository(files)
            store.log_artifacts(str(folder), place)
            made = client.create_model_version(
                self._name, f"{files}/{place}", run_id=record.mlflow_run_id, tags={**_version_tags(records), **tags}
            )
        return _registered(made), True

    def restore(self, registered: Registered) -> list[str]:
        """Put a version's variants into the model store where they are not there.

        Returns:
            The tags that were missing.

        Raises:
            ModelStoreError: the registry's bytes are not the recorded ones.
            StageError: the registry's record cannot be read.
        """
        missing = [tag for tag in registered.release.tags.values() if not _stored(tag)]
        if missing:
            with connected("give the model") as client, tempfile.TemporaryDirectory() as temporary:
                source = client.get_model_version_download_uri(self._name, str(registered.number))
                folder = Path(mlflow.artifacts.download_artifacts(source, dst_path=temporary))
                records = self._records(folder / RECORDS_FILE, registered.number)
                for variant, record in records.items():
                    files = (GRAPH_FILES[variant], EXPLAIN_FILES[variant])
                    models.push(record, Content(*((folder / name).read_bytes() for name in files)))
        return missing

    def _records(self, path: Path, number: int) -> dict[Variant, ModelRecord]:
        try:
            return RECORDS.validate_json(path.read_bytes())
        except ValidationError:
            # Of a Scorebox whose models had no explain graph.
            raise StageError(
                f"the record of version {number} of {self._name} cannot be read; train and push it again"
            ) from None

    def _save(self, folder: Path, records: Mapping[Variant, ModelRecord], contents: Mapping[Variant, Content]) -> None:
        """Write one folder: the FP32 graph in MLflow's ONNX flavour, with the other graphs and the records."""
        graph = onnx.load_model_from_string(contents["fp32"].graph)
        mlflow.onnx.save_model(
            graph,
            str(folder),
            signature=_signature(graph),
            input_example=self._input_example(contents["fp32"].graph),
            # Named, or MLflow would load the model in a process of its own to find them.
            pip_requirements=[f"{library}=={version(library)}" for library in ("mlflow", "onnx", "onnxruntime")],
            onnx_execution_providers=["CPUExecutionProvider"],
            # One file, and with it the recorded hash.
            save_as_external_data=False,
        )
        for variant, content in contents.items():
            (folder / GRAPH_FILES[variant]).write_bytes(content.graph)
            (folder / EXPLAIN_FILES[variant]).write_bytes(content.explain)
        (folder / RECORDS_FILE).write_bytes(RECORDS.dump_json(dict(records), indent=2))

    def _input_example(self, content: bytes) -> dict[str, Any]:
        """Return the scorecard's example as the graph's inputs, by name."""
        graph = Graph(content)
        application = self._scorecard.request_model(graph.columns).model_validate(dict(self._scorecard.example))
        return thin_frame(self._scorecard, graph.columns).inputs([application]).feed(graph.ports)


def _version_tags(records: Mapping[Variant, ModelRecord]) -> dict[str, str]:
    record = records["fp32"]
    return {
        "scorecard": record.scorecard,
        "store_version": record.version,
        "family": record.family,
        "cutoff": repr(record.cutoff),
        "data": SAMPLE if record.data.sample else REAL,
        "data_sha256": record.data.sha256,
        "git_revision": record.git_revision,
        **{f"graph_sha256_{variant}": item.graph_sha256 for variant, item in records.items()},
        **{f"explain_sha256_{variant}": item.explain_sha256 for variant, item in records.items()},
        **{f"store_tag_{variant}": item.tag for variant, item in records.items()},
    }


def _signature(graph: onnx.ModelProto) -> ModelSignature:
    """Return the graph's own inputs and outputs as tensors, rows of any number."""

    def schema(values: Any) -> Schema:
        return Schema(
            [
                TensorSpec(
                    # Object for text.
                    np.dtype(onnx.helper.tensor_dtype_to_np_dtype(value.type.tensor_type.elem_type)),
                    (-1, *(part.dim_value for part in value.type.tensor_type.shape.dim[1:])),
                    value.name,
                )
                for value in values
            ]
        )

    return ModelSignature(schema(graph.graph.input), schema(graph.graph.output))


def _entry(client: MlflowClient, name: str) -> Any:
    """Return the registered model, None if there is none."""
    try:
        return client.get_registered_model(name)
    except MlflowException as error:
        if error.error_code == ErrorCode.Name(RESOURCE_DOES_NOT_EXIST):
            return None
        raise


def _registered(found: ModelVersion) -> Registered:
    return Registered(int(found.version), dict(found.tags))


def _stored(tag: str) -> bool:
    try:
        models.load(tag)
    except ModelStoreError:
        return False
    return True
