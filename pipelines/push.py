"""Puts a trained model's variants into the model store and writes the release that pins them."""

from __future__ import annotations

import hashlib
import json

from pipelines.graphs import read_variants
from pipelines.report import read_benchmark, read_report
from pipelines.workspace import Workspace
from scoring import models
from scoring.graph import sha256
from scoring.models import ModelRecord, Release


def push(workspace: Workspace) -> tuple[Release, list[str]]:
    """Pushes what is not in the store yet.

    The version names the bytes: a hash of both graphs, the data and the cut-off. Pushing the same
    training twice changes nothing.

    Returns:
        The release, and the tags that were new to the store.
    """
    report = read_report(workspace)
    benchmark = read_benchmark(workspace)
    contents = read_variants(workspace)
    identity = {
        "graphs": {variant: sha256(content) for variant, content in contents.items()},
        "data": report.data.sha256,
        "cutoff": report.cutoff,
    }
    version = hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()[:12]
    added = []
    tags = {}
    for variant, content in contents.items():
        record = ModelRecord(
            scorecard=report.scorecard,
            version=version,
            variant=variant,
            family=report.family,
            graph_sha256=sha256(content),
            columns=report.columns,
            cutoff=report.cutoff,
            data=report.data,
            metrics={name: round(value, 6) for name, value in report.variant_metrics[variant].items()},
            git_revision=report.git_revision,
            mlflow_run_id=report.mlflow_run_id,
            libraries=report.libraries,
        )
        if models.push(record, content):
            added.append(record.tag)
        tags[variant] = record.tag
    release = Release(scorecard=report.scorecard, version=version, serving=benchmark.serving, tags=tags)
    release.write(workspace.release)
    return release, added
