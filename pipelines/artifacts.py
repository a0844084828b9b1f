"""Files that one stage or command writes and others read: their records and typed readers.

Paths come from `Workspace`. This module loads no library that fits models or fetches data, so that
every room of `pipelines/` can import it, the monitoring image included.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from pipelines.workspace import Workspace
from scoring.challenger.challenge import Challenge
from scoring.challenger.split import WITHDRAWAL_FILE, Withdrawal
from scoring.decision import Variant
from scoring.graph import GraphIntegrityError, sha256
from scoring.models import Content, DataRecord
from scoring.reasons import Explainer
from scoring.scorecard import Scorecard
from training.errors import StageError
from training.evaluation.fairness import Comparison
from training.evaluation.intervals import Estimate
from training.evaluation.metrics import ReliabilityBin
from training.evaluation.reason_figures import ReasonFigures
from training.evaluation.variants import Benchmark
from training.evaluation.verification import Verification
from training.sources import Form

Record = TypeVar("Record", bound=BaseModel)


class IngestedFile(BaseModel):
    """One file of a source, and the table made of it."""

    name: str
    table: str
    format: str
    bytes: int
    sha256: str
    verified: bool
    """By its published hash, whatever its form. False where none is published, and for sample data."""
    rows: int
    columns: int
    modified_at: str | None
    """At the source, if its file system tells."""
    table_sha256: str
    """sha256 of the Parquet file in the snapshot."""


class IngestionTotal(BaseModel):
    """All files together."""

    files: int
    bytes: int
    rows: int


class IngestionSummary(BaseModel):
    """Where the raw snapshot came from: `reports/ingestion_summary.json`."""

    scorecard: str
    source: str
    """The location, without credentials."""
    form: Form
    sample_data: bool
    published: bool = False
    """Whether it is the published data set of that title, by the hashes of its files."""
    title: str
    licence: str
    citation: str
    files: list[IngestedFile]
    total: IngestionTotal
    snapshot_sha256: str
    ingested_at: str


def read_summary(workspace: Workspace) -> IngestionSummary | None:
    """Return the summary of the last ingestion, or None if there was none.

    Raises:
        StageError: the file is damaged.
    """
    try:
        return IngestionSummary.model_validate_json(workspace.ingestion.read_text())
    except FileNotFoundError:
        return None
    except ValidationError as error:
        raise StageError(f"{workspace.ingestion} is damaged: {error.errors()[0]['msg']}; ingest again") from None


class Report(BaseModel):
    """All that is known of one trained model: `report/report.json`. The store's record is taken from it."""

    scorecard: str
    candidate: str
    family: str
    serving: str
    data: DataRecord
    test_rows: int
    cutoff: float
    approval_rate: float
    metrics: dict[str, Estimate]
    """Metrics of the variant that serves."""
    variant_metrics: dict[Variant, dict[str, float]]
    reliability: list[ReliabilityBin]
    reasons: ReasonFigures
    protected_comparison: list[Comparison]
    graph_sha256: dict[Variant, str]
    columns: list[str]
    libraries: dict[str, str]
    git_revision: str
    mlflow_run_id: str


def read_variants(workspace: Workspace) -> dict[Variant, bytes]:
    """Return the graphs that the stages wrote, FP32 first.

    Raises:
        StageError: there is no FP32 graph.
    """
    variants: dict[Variant, bytes] = {"fp32": read_graph(workspace, "fp32")}
    if workspace.int8.exists():
        variants["int8"] = read_graph(workspace, "int8")
    return variants


def read_graph(workspace: Workspace, variant: Variant) -> bytes:
    """Return one graph's bytes.

    Raises:
        StageError: the stage that writes it has not run.
    """
    path = workspace.fp32 if variant == "fp32" else workspace.int8
    try:
        return path.read_bytes()
    except FileNotFoundError:
        stage = "export" if variant == "fp32" else "quantize"
        raise StageError(f"{path} is missing; run: scorebox {stage} {workspace.scorecard}") from None


def read_contents(workspace: Workspace) -> dict[Variant, Content]:
    """Return the graphs of every variant, FP32 first, each with the one that explains it.

    Raises:
        StageError: a stage has not run, or the explain graph is of another graph than the one that is there now.
    """
    return {variant: _with_explain(workspace, variant, graph) for variant, graph in read_variants(workspace).items()}


def _with_explain(workspace: Workspace, variant: Variant, graph: bytes) -> Content:
    path = workspace.explain(variant)
    try:
        content = Content(graph, path.read_bytes())
        if Explainer(content.explain).explains == sha256(graph):
            return content
        trouble = "explains another graph"
    except FileNotFoundError:
        trouble = "is missing"
    except GraphIntegrityError as error:
        trouble = str(error)
    raise StageError(f"{path} {trouble}; run: scorebox explain {workspace.scorecard}")


def same_graphs(
    workspace: Workspace, stage: str, recorded: Mapping[Variant, str], contents: Mapping[Variant, bytes]
) -> None:
    """Check that what a stage wrote is about the graphs that are there now.

    Raises:
        StageError: the graphs were made anew since.
    """
    if dict(recorded) != {variant: sha256(content) for variant, content in contents.items()}:
        raise StageError(
            f"{workspace.scorecard}: the graphs are not those that `scorebox {stage}` measured; run it again"
        )


def read_benchmark(workspace: Workspace) -> Benchmark:
    """Return the table of the variants side by side.

    Raises:
        StageError: the benchmark stage has not run.
    """
    return _read(Benchmark, workspace.benchmark, "benchmark", "benchmark")


def read_report(workspace: Workspace) -> Report:
    """Return the report of the trained model.

    Raises:
        StageError: the report stage has not run.
    """
    return _read(Report, workspace.report_record, "report", "report")


def read_verification(workspace: Workspace) -> Verification:
    """Return the verdict on the trained model.

    Raises:
        StageError: the verify stage has not run.
    """
    return _read(Verification, workspace.verification, "verification", "verify")


def _read(record: type[Record], path: Path, name: str, stage: str) -> Record:
    try:
        return record.model_validate_json(path.read_bytes())
    except (OSError, ValueError) as error:
        raise StageError(f"{path} holds no {name}: {error}; run: scorebox {stage}") from None


def file_sha256(path: Path) -> str:
    """Return the sha256 of a file of rows.

    Raises:
        StageError: it is missing.
    """
    try:
        return sha256(path.read_bytes())
    except FileNotFoundError:
        raise StageError(f"{path} is missing; run: scorebox split") from None


def to_push(verification: Verification, contents: Mapping[Variant, Content]) -> dict[Variant, Content]:
    """Return the variants that may serve: a variant that does not serve and fails its checks is not among them."""
    return {variant: content for variant, content in contents.items() if variant not in verification.failed_others}


def store_version(report: Report, contents: Mapping[Variant, Content]) -> str:
    """Return the version in the model store, 12 hex digits of a hash of all graphs, the data and the cut-off."""
    identity = {
        "graphs": {variant: (sha256(content.graph), sha256(content.explain)) for variant, content in contents.items()},
        "data": report.data.sha256,
        "cutoff": report.cutoff,
    }
    return hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()[:12]


@dataclass(frozen=True)
class PresentChallenge:
    """The challenge in force, and whether its guard has withdrawn it."""

    challenge: Challenge
    withdrawal: str | None
    """Why it has lost its share."""


def read_present_challenge(scorecard: Scorecard, workspace: Workspace, journal: Path) -> PresentChallenge | None:
    """Return the challenge in force, or None if nothing challenges the champion.

    Raises:
        ModelStoreError: the file is not a challenge of this scorecard.
    """
    challenge = Challenge.read(workspace.challenge, scorecard.name)
    if challenge is None:
        return None
    withdrawal = Withdrawal.of(challenge, journal / WITHDRAWAL_FILE) if challenge.share else None
    return PresentChallenge(challenge, withdrawal)
