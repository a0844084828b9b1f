"""MLflow: one run per trained model, and the connection that the registry uses too."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import mlflow
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException

from training.errors import TrackingError

# Its bars would stand between the lines of the stages.
os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")

DEFAULT_FILE = Path("mlflow.db")
"""A SQLite file in the working folder; MLFLOW_TRACKING_URI names a server instead."""


@contextmanager
def connected(task: str) -> Iterator[MlflowClient]:
    """Connect to the tracking server and its model registry; yield the client.

    Args:
        task: what fails if the server does, for the message.

    Raises:
        TrackingError: the server cannot be reached, or refuses.
    """
    # An absolute path, since MLflow keeps one connection per address for the life of the process.
    address = os.environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{DEFAULT_FILE.resolve()}"
    mlflow.set_tracking_uri(address)
    try:
        yield MlflowClient()
    except MlflowException as error:
        raise TrackingError(f"MLflow at MLFLOW_TRACKING_URI did not {task}: {error}") from error


@contextmanager
def run(experiment: str, name: str, tags: Mapping[str, str]) -> Iterator[str]:
    """Start an MLflow run and yield its id.

    Raises:
        TrackingError: the server cannot be reached, or refuses.
    """
    with connected("record the run"):
        mlflow.set_experiment(experiment)
        with mlflow.start_run(run_name=name, tags=dict(tags)) as active:
            yield str(active.info.run_id)


def log(
    parameters: Mapping[str, Any], metrics: Mapping[str, float], files: Sequence[Path], folder: str | None = None
) -> None:
    """Add parameters, metrics and files to the active run."""
    mlflow.log_params(dict(parameters))
    mlflow.log_metrics(dict(metrics))
    for path in files:
        mlflow.log_artifact(str(path), folder)
