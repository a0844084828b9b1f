"""Put a trained model into the model store and, as the challenger, into the registry."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import BaseModel, ValidationError

from pipelines.artifacts import (
    Report,
    file_sha256,
    read_benchmark,
    read_contents,
    read_report,
    read_verification,
    same_graphs,
    store_version,
    to_push,
)
from pipelines.governance.registry import CHALLENGER, Registry
from pipelines.governance.versions import Registered
from pipelines.workspace import Workspace
from scoring import models
from scoring.decision import Variant
from scoring.files import write_atomically
from scoring.graph import sha256
from scoring.models import Content, ModelRecord
from scoring.scorecard import Scorecard
from training.evaluation.checks import failed
from training.evaluation.promotion import HOLDS


@dataclass(frozen=True)
class Pushed:
    """The outcome of `push`: the tags in the store, those that were written, and the registered version."""

    tags: list[str]
    added: list[str]
    registered: Registered
    is_new: bool
    is_champion: bool
    """It is the champion already, so it challenges nobody."""


class PushRecord(BaseModel):
    """The model of a workspace, as the store holds it: `push.json`. The same training gives the same bytes."""

    scorecard: str
    version: str
    tags: dict[Variant, str]
    graph_sha256: dict[Variant, str]
    explain_sha256: dict[Variant, str]


def push(scorecard: Scorecard, workspace: Workspace) -> Pushed:
    """Push what is not in the store and the registry yet, make it the challenger, and write `push.json`.

    A variant that does not serve and fails checks of its own is left out. Pushing the same training twice changes
    nothing. What a push that was killed has left half-written is completed.
    The champion is no challenger of itself.

    Raises:
        StageError: a stage has not run, or measured other graphs than those that are there now.
    """
    report = read_report(workspace)
    benchmark = read_benchmark(workspace)
    verification = read_verification(workspace)
    contents = read_contents(workspace)
    graphs = {variant: content.graph for variant, content in contents.items()}
    same_graphs(workspace, "benchmark", {item.variant: item.sha256 for item in benchmark.variants}, graphs)
    same_graphs(workspace, "verify", verification.graph_sha256, graphs)
    same_graphs(workspace, "report", report.graph_sha256, graphs)
    contents = to_push(verification, contents)
    records = {variant: _record(report, variant, contents) for variant in contents}
    added = [record.tag for variant, record in records.items() if models.push(record, contents[variant])]
    registry = Registry(scorecard)
    verdict = HOLDS if verification.holds else "fails " + ", ".join(failed(verification.checks))
    registered, is_new = registry.register(
        records,
        contents,
        {
            "verification": verdict,
            "profile": workspace.profile,
            "candidate": report.candidate,
            "serving": benchmark.serving,
            "train_rows_sha256": file_sha256(workspace.train),
            "test_rows_sha256": file_sha256(workspace.test),
            **{f"test_{name}": f"{item['value']:.6f}" for name, item in report.metrics.items()},
        },
    )
    if registered.tags.verification != verdict:
        registry.tag(registered.number, "verification", verdict)
    is_champion = registered.number == registry.champion_number()
    if is_champion:
        registry.end_challenge(registered.number)
    else:
        # The times behind this choice are measured anew with each benchmark; a champion keeps its own.
        registry.tag(registered.number, "serving", benchmark.serving)
        registry.point(CHALLENGER, registered.number)
    pushed = PushRecord(
        scorecard=scorecard.name,
        version=store_version(report, contents),
        tags={variant: record.tag for variant, record in records.items()},
        graph_sha256={variant: record.graph_sha256 for variant, record in records.items()},
        explain_sha256={variant: record.explain_sha256 for variant, record in records.items()},
    )
    write_atomically(workspace.pushed, pushed.model_dump_json(indent=2) + "\n")
    return Pushed([record.tag for record in records.values()], added, registered, is_new, is_champion)


def pushed_version(workspace: Workspace) -> str | None:
    """Return the version in the model store that `push` took from the workspace; None if it took none."""
    try:
        return PushRecord.model_validate_json(workspace.pushed.read_bytes()).version
    except (FileNotFoundError, ValidationError):
        return None


def _record(report: Report, variant: Variant, contents: Mapping[Variant, Content]) -> ModelRecord:
    return ModelRecord(
        scorecard=report.scorecard,
        version=store_version(report, contents),
        variant=variant,
        family=report.family,
        graph_sha256=sha256(contents[variant].graph),
        explain_sha256=sha256(contents[variant].explain),
        columns=report.columns,
        cutoff=report.cutoff,
        data=report.data,
        metrics={name: round(value, 6) for name, value in report.variant_metrics[variant].items()},
        git_revision=report.git_revision,
        mlflow_run_id=report.mlflow_run_id,
        libraries=report.libraries,
    )
