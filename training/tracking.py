"""MLflow: one run per trained model, and the connection that the registry uses too."""

from __future__ import annotations

import os
import sqlite3
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import mlflow
import pandas as pd
from mlflow import MlflowClient
from mlflow.data.pandas_dataset import from_pandas
from mlflow.exceptions import MlflowException
from mlflow.utils.mlflow_tags import MLFLOW_GIT_COMMIT
from sqlalchemy import make_url
from sqlalchemy.exc import SQLAlchemyError

from training.errors import TrackingError
from training.revision import UNKNOWN

# Its bars would stand between the lines of the stages.
os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")

DEFAULT_FILE = Path("mlflow.db")
"""A SQLite file in the working folder; MLFLOW_TRACKING_URI names a server instead."""
DEFAULT_FILES = Path("mlruns")
"""The folder next to it in which MLflow keeps what runs have logged."""


@contextmanager
def connected(task: str) -> Iterator[MlflowClient]:
    """Connect to the tracking server and its model registry; yield the client.

    Args:
        task: what fails if the server does, for the message.

    Raises:
        TrackingError: the server or the database cannot be reached, or refuses.
    """
    address = os.environ.get("MLFLOW_TRACKING_URI") or _default_address()
    _check_database(address)
    mlflow.set_tracking_uri(address)
    try:
        yield MlflowClient()
    except (MlflowException, SQLAlchemyError) as error:
        where = str(DEFAULT_FILE.resolve()) if _is_default() else "MLFLOW_TRACKING_URI"
        # Of a database, the statement and its values follow the reason.
        reason = " ".join(str(error).split("[SQL:")[0].split("(Background on")[0].split())
        raise TrackingError(f"MLflow at {where} did not {task}: {reason}") from error


@contextmanager
def run(experiment: str, name: str, tags: Mapping[str, str], revision: str = UNKNOWN) -> Iterator[str]:
    """Start an MLflow run and yield its id.

    Args:
        experiment: the experiment, which is made if there is none.
        name: of the run.
        tags: of the run.
        revision: the state of the project, as `training.revision` has it.

    Raises:
        TrackingError: the server cannot be reached, or refuses.
    """
    with connected("record the run") as client:
        if _is_default():
            _make_experiment(client, experiment)
        mlflow.set_experiment(experiment)
        # MLflow's own tag has the commit alone.
        commit = {} if revision == UNKNOWN else {MLFLOW_GIT_COMMIT: revision.removesuffix("-dirty")}
        with mlflow.start_run(run_name=name, tags={**tags, **commit}) as active:
            yield str(active.info.run_id)


def log(
    parameters: Mapping[str, Any], metrics: Mapping[str, float], files: Sequence[Path], folder: str | None = None
) -> None:
    """Add parameters, metrics and files to the active run."""
    mlflow.log_params(dict(parameters))
    mlflow.log_metrics(dict(metrics))
    for path in files:
        mlflow.log_artifact(str(path), folder)


def log_rows(frame: pd.DataFrame, path: Path, name: str, target: str, digest: str) -> None:
    """Add a table that the active run has read: its file, columns and size, none of its rows.

    Args:
        frame: the rows.
        path: their file.
        name: what they are for: `training`, `testing`.
        target: the column of labels.
        digest: their hash; MLflow keeps 36 characters of it.
    """
    source = path.resolve().as_uri()
    with warnings.catch_warnings():
        # The contract says which columns may be missing, and a file on disk is what its address says.
        for hint in ("Hint: Inferred schema contains integer column", "The specified dataset source can be"):
            warnings.filterwarnings("ignore", message=hint, category=UserWarning)
        table = from_pandas(frame, source=source, name=path.stem, targets=target, digest=digest[:36])
        mlflow.log_input(table, context=name)


def _is_default() -> bool:
    """Return whether the runs are recorded in the default file; MLflow itself sets the variable."""
    return os.environ.get("MLFLOW_TRACKING_URI") in (None, "", _default_address())


def _default_address() -> str:
    """Return the address of the file: its whole path, since MLflow keeps one connection per address in a process.

    SQLAlchemy and MLflow disagree on how a path with signs such as `%` and `?` is quoted in an address, and MLflow
    makes the folders of its own reading: there the name alone, which leads to the same file.
    """
    path = DEFAULT_FILE.resolve()
    return f"sqlite:///{path if _is_plain(path) else DEFAULT_FILE}"


def _make_experiment(client: MlflowClient, name: str) -> None:
    """Make the experiment if there is none, with its files at an address that MLflow reads back as it was.

    MLflow's own is the bare path, which it takes for an address: what follows a `?` is lost on the way.
    """
    place = DEFAULT_FILES.resolve()
    if not _is_plain(place) and client.get_experiment_by_name(name) is None:
        client.create_experiment(name, artifact_location=f"{place.as_uri()}/{quote(name)}")


def _is_plain(path: Path) -> bool:
    """Return whether a path is the same as a path and as a part of an address; a blank is no matter to MLflow."""
    return quote(str(path), safe="/ ") == str(path)


def _check_database(address: str) -> None:
    """Check that a SQLite file can be opened or made: MLflow would try for 100 s, and end in a traceback.

    Raises:
        TrackingError: it cannot.
    """
    if not address.startswith("sqlite:///"):
        return
    path = Path(make_url(address).database or "")
    if not path.parent.is_dir() or path.is_dir():
        return  # which MLflow makes, or says
    try:
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=rwc", uri=True)) as database:
            database.execute("PRAGMA schema_version")
    except sqlite3.Error as error:
        raise TrackingError(f"MLflow's database {path} cannot be opened: {error}") from None
