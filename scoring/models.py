"""Models in the BentoML model store, and the release that says which of them serve.

A model is its bytes: its tag names a hash, and loading checks it. A release is a small file that
pins the exact tags of one scorecard's variants; the service and the Bento follow it.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import bentoml
from bentoml.exceptions import NotFound
from pydantic import BaseModel, ConfigDict, ValidationError

from scoring.decision import Variant
from scoring.errors import field_errors
from scoring.expected import ExpectedError
from scoring.files import write_atomically
from scoring.graph import Graph, GraphIntegrityError, sha256
from scoring.members import read_members, repeated_throughout, require_single
from scoring.reasons import Explainer
from scoring.store_entry import settle_entry, write_entry

GRAPH_FILE = "model.onnx"
EXPLAIN_FILE = "explain.onnx"


class ModelStoreError(ExpectedError):
    """A model or a release is missing or not what it should be; the message says what to do."""


class MissingModelError(ModelStoreError):
    """The store does not hold a model of this tag."""


DataKind = Literal["published", "own", "sample"]
"""A published data set by the hashes of its files; files that are none; or data that the project made up itself."""
DATA_LABELS: dict[DataKind, str] = {
    "published": "published data",
    "own": "own data, unverified",
    "sample": "SAMPLE DATA",
}
"""The words for it in labels, tags, reports and answers."""


class DataRecord(BaseModel):
    """The data a model was trained on."""

    model_config = ConfigDict(extra="forbid")

    sha256: str
    rows: int
    default_share: float
    sample: bool
    """True for data that the project made up itself."""
    published: bool = False
    """True for a published data set by the hashes of its files; records from before this was told have False."""

    @property
    def kind(self) -> DataKind:
        """The kind of data."""
        if self.sample:
            return "sample"
        return "published" if self.published else "own"

    @property
    def label(self) -> str:
        """The words for it."""
        return DATA_LABELS[self.kind]


class ModelRecord(BaseModel):
    """The record of one variant of one trained model."""

    model_config = ConfigDict(extra="forbid")

    scorecard: str
    version: str
    variant: Variant
    family: str
    graph_sha256: str
    explain_sha256: str
    columns: list[str]
    cutoff: float
    data: DataRecord
    metrics: dict[str, float]
    git_revision: str
    mlflow_run_id: str
    libraries: dict[str, str]

    @property
    def tag(self) -> str:
        """The exact tag in the model store."""
        return f"{self.scorecard}:{self.version}-{self.variant}"


@dataclass(frozen=True)
class Content:
    """The bytes of one variant."""

    graph: bytes
    explain: bytes
    """The graph that explains it; see `scoring.reasons`."""

    def check(self, record: ModelRecord) -> None:
        """Check that these are the bytes of the record.

        Raises:
            ModelStoreError: they are not.
        """
        for what, content, recorded in (
            ("graph", self.graph, record.graph_sha256),
            ("explain graph", self.explain, record.explain_sha256),
        ):
            if sha256(content) != recorded:
                raise ModelStoreError(f"{record.tag}: the {what}'s sha256 is not the recorded {recorded}")


@dataclass(frozen=True)
class StoredModel:
    """A model taken from the store, its bytes checked against its record."""

    record: ModelRecord
    graph: Graph
    explainer: Explainer


class Release(BaseModel):
    """The exact tags of one scorecard's variants, and which of them serves by default."""

    model_config = ConfigDict(extra="forbid")

    scorecard: str
    version: str
    serving: Variant
    tags: dict[Variant, str]
    registry_version: str | None = None
    """The registry's number of the model; None in a release from before it was kept."""

    @property
    def number(self) -> str:
        """The registry's number of the model, as text; the store's version in a release from before it was kept."""
        return self.registry_version or self.version

    def is_same_as(self, other: Release) -> bool:
        """Return whether both name the same; a release from before the registry's number was kept may lack it."""
        numbered = (
            self if self.registry_version else self.model_copy(update={"registry_version": other.registry_version})
        )
        return numbered == other

    def write(self, path: Path) -> None:
        """Write the release next to `path`, then rename it there."""
        write_atomically(path, self.model_dump_json(indent=2, exclude_none=True) + "\n")

    @classmethod
    def read(cls, path: Path) -> Release:
        """Return the release in the file.

        Raises:
            ModelStoreError: there is no such file, or it is not a release.
        """
        try:
            release = cls.model_validate_json(body := path.read_bytes())
            require_single(cls.__name__, repeated_throughout(read_members(body)))
        except FileNotFoundError:
            raise ModelStoreError(f"there is no release at {path}; run: scorebox promote {path.stem}") from None
        except ValidationError as error:
            broken = "; ".join(f"{item.field}: {item.message}" for item in field_errors(error))
            raise ModelStoreError(f"{path} is not a release: {broken}") from None
        return release


def push(record: ModelRecord, content: Content) -> bool:
    """Put a variant into the store; return False if the same bytes are there already.

    An entry that cannot be read, or whose bytes are not the recorded ones, is written anew.

    Raises:
        ModelStoreError: the bytes are not those of the record, or the tag holds others.
    """
    content.check(record)
    stored = _stored(record.tag)
    if stored and (stored.graph_sha256, stored.explain_sha256) != (record.graph_sha256, record.explain_sha256):
        raise ModelStoreError(f"{record.tag} is in the store with other bytes; tags never move to new bytes")
    if stored:
        settle_entry(record.tag)
        return False
    labels = {
        "scorecard": record.scorecard,
        "variant": record.variant,
        "family": record.family,
        "data": record.data.label,
    }
    files = {GRAPH_FILE: content.graph, EXPLAIN_FILE: content.explain}
    write_entry(record.tag, labels, record.model_dump(mode="json"), files)
    settle_entry(record.tag)
    return True


def _stored(tag: str) -> ModelRecord | None:
    """Return the record of an entry with the recorded bytes; None if there is none, or a damaged one."""
    try:
        record, content = read(tag)
        content.check(record)
    except (ModelStoreError, GraphIntegrityError):
        return None
    return record


def holds(tag: str, graph_sha256: str, explain_sha256: str) -> bool:
    """Return whether the store holds a variant with these bytes."""
    stored = _stored(tag)
    return stored is not None and (stored.graph_sha256, stored.explain_sha256) == (graph_sha256, explain_sha256)


def read(model: str | Any) -> tuple[ModelRecord, Content]:
    """Return the record and the bytes of a variant, by exact tag or from a BentoML model; bytes are not checked.

    Raises:
        ModelStoreError: the store does not hold it, or its record cannot be read.
        GraphIntegrityError: its bytes cannot be read.
    """
    try:
        stored = bentoml.models.get(model) if isinstance(model, str) else model
    except NotFound:
        raise MissingModelError(
            f"{model} is not in the model store; run: scorebox push {model.partition(':')[0]}"
        ) from None
    except Exception as error:  # of a record that is not whole: BentoML's own, and those of YAML and of its converters
        reason = " ".join(str(error).split()) or type(error).__name__
        raise ModelStoreError(f"{model} is damaged in the store: {reason}; {_repair(model)}") from None
    try:
        record = ModelRecord.model_validate(dict(stored.info.metadata))
    except ValidationError as error:
        broken = "; ".join(f"{item.field}: {item.message}" for item in field_errors(error))
        raise ModelStoreError(
            f"{stored.tag}: the record in the store cannot be read: {broken}; {_repair(str(stored.tag))}"
        ) from None
    try:
        return record, Content(*(Path(stored.path_of(name)).read_bytes() for name in (GRAPH_FILE, EXPLAIN_FILE)))
    except OSError as error:
        raise GraphIntegrityError(f"{stored.tag}: {error}; {_repair(str(stored.tag))}") from error


def _repair(tag: str) -> str:
    name = tag.partition(":")[0]
    return f"run: scorebox push {name}, or scorebox restore {name} if it is the champion"


def load(model: str | Any) -> StoredModel:
    """Load a variant by exact tag or from a BentoML model, and check its bytes.

    Raises:
        ModelStoreError: the store does not hold it, or its record cannot be read.
        GraphIntegrityError: its bytes are not the recorded ones.
    """
    return open_model(*read(model))


def open_model(record: ModelRecord, content: Content) -> StoredModel:
    """Return a variant from its record and its bytes.

    Raises:
        GraphIntegrityError: the bytes are not the recorded ones, or explain another graph.
    """
    try:
        graph = Graph(content.graph, record.graph_sha256)
        explainer = Explainer(content.explain, record.explain_sha256)
        if explainer.explains != graph.sha256:
            raise GraphIntegrityError("the explain graph is of another model")
    except GraphIntegrityError as error:
        raise GraphIntegrityError(f"{record.tag}: {error}") from error
    return StoredModel(record, graph, explainer)
