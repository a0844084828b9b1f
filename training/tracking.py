"""One MLflow run per trained model."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import mlflow
from mlflow.exceptions import MlflowException

from training.errors import TrackingError

DEFAULT_URI = "sqlite:///mlflow.db"
"""A SQLite file in the working folder; MLFLOW_TRACKING_URI names a server instead."""


@contextmanager
def run(experiment: str, name: str, tags: Mapping[str, str]) -> Iterator[str]:
    """An MLflow run; gives its id.

    Raises:
        TrackingError: the server cannot be reached, or refuses.
    """
    address = os.environ.get("MLFLOW_TRACKING_URI", DEFAULT_URI)
    mlflow.set_tracking_uri(address)
    try:
        mlflow.set_experiment(experiment)
        with mlflow.start_run(run_name=name, tags=dict(tags)) as active:
            yield str(active.info.run_id)
    except MlflowException as error:
        raise TrackingError(f"MLflow at MLFLOW_TRACKING_URI did not record the run: {error}") from error


def log(
    parameters: Mapping[str, Any], metrics: Mapping[str, float], files: Sequence[Path], folder: str | None = None
) -> None:
    """Adds parameters, metrics and files to the active run."""
    mlflow.log_params(dict(parameters))
    mlflow.log_metrics(dict(metrics))
    for path in files:
        mlflow.log_artifact(str(path), folder)
