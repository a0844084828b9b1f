"""A small scorecard with a history, its clients, and a Redis of its own, for tests of every room."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd
import redis
from pydantic import Field

from loadtests.server import free_port
from pipelines.watch.history import fill
from pipelines.workspace import Workspace
from scoring.application import Application
from scoring.features import category, optional, raw
from scoring.graph import Inputs, sha256
from scoring.models import DataRecord, ModelRecord, StoredModel, open_model
from scoring.scorecard import ReasonGroup, RiskBand, Scorecard
from tests.needs import program
from tests.waiting import until
from training.calibration import Calibration
from training.families.logistic import Logistic
from training.graph.explain import with_explain_graph
from training.graph.export import export_graph
from training.parquet import SAMPLE_KEY, SNAPSHOT_KEY, write_parquet

SNAPSHOT = "5" * 64
CLIENTS = (7, 100_002, 456_255)


class LoanApplication(Application):
    client: int = Field(alias="CLIENT", ge=1, le=999_999_999)
    amount: float = Field(alias="AMOUNT", ge=0, le=1e6)
    income: float | None = Field(None, alias="INCOME", ge=0, le=1e6)
    purpose: Literal["car", "house"] = Field(alias="PURPOSE")


SCORECARD = Scorecard(
    name="toy_history",
    title="A loan to a known client",
    purpose="Tests.",
    limits=("A toy.",),
    application=LoanApplication,
    key="CLIENT",
    target="BAD",
    protected=frozenset(),
    cutoff=0.5,
    reasons=(
        ReasonGroup("LATE_PAYMENTS", "There were late payments.", ("late_count", "late_mean", "loans_count")),
        ReasonGroup("LOAN", "The loan is too large for the income.", ("AMOUNT", "INCOME", "PURPOSE")),
    ),
    bands=(RiskBand("A", 1.01),),
    sources=(),
    features={},
    sample=lambda generator, rows: {},
    example={"CLIENT": CLIENTS[1], "AMOUNT": 1_000.0, "INCOME": 500.0, "PURPOSE": "car"},
    history={"late_count": 0.0, "late_mean": float("nan"), "loans_count": 0.0},
)
NUMBERS = ["AMOUNT", "INCOME"]
READ = ["late_mean", "late_count"]
"""Not all of the history's columns, nor in its order."""


def applications() -> pd.DataFrame:
    """Return what the features stage leaves of three clients, one of them without late payments."""
    return pd.DataFrame(
        {
            "CLIENT": CLIENTS,
            "AMOUNT": [10.0, 20.0, 30.0],
            "INCOME": [1.0, np.nan, 3.0],
            "PURPOSE": ["car", "house", "car"],
            "BAD": [0, 1, 0],
            "late_count": np.array([3, 1, 0], dtype=np.float32),
            "late_mean": np.array([1.5, 0.1, np.nan], dtype=np.float32),
            "loans_count": np.array([4, 5, 6], dtype=np.float32),
        }
    )


def workspace(folder: Path, frame: pd.DataFrame | None = None, scorecard: Scorecard = SCORECARD) -> Workspace:
    """A workspace with applications in it."""
    made = Workspace(scorecard.name, "full", folder)
    metadata = {SAMPLE_KEY: b"true", SNAPSHOT_KEY: SNAPSHOT.encode()}
    write_parquet(made.applications, applications() if frame is None else frame, metadata)
    return made


def filled(folder: Path, frame: pd.DataFrame | None = None) -> Path:
    """A history file of these applications."""
    path = folder / "history.sqlite"
    fill(SCORECARD, workspace(folder, frame), str(path))
    return path


def model() -> StoredModel:
    """Late payments raise the PD; without a mean of them, the count alone does."""
    columns = [*NUMBERS, *READ, "PURPOSE"]
    blocks = (raw("AMOUNT"), optional("INCOME", *READ).filled(0.0), category("PURPOSE", "car"))
    logistic = Logistic(np.array([1e-5, -1e-5, 0.5, 0.25, 1.0]), -1.0)
    graph = export_graph(blocks, columns, logistic, Calibration(method="platt"))
    generator = np.random.default_rng(0)
    texts = generator.choice(np.array(["car", "house"], dtype=object), (200, 1))
    inputs = Inputs(generator.uniform(0, 3, (200, len(columns) - 1)).astype(np.float32), texts)
    content = with_explain_graph(SCORECARD, graph, inputs, inputs.numeric)
    record = ModelRecord(
        scorecard=SCORECARD.name,
        version="1",
        variant="fp32",
        family="logistic",
        graph_sha256=sha256(content.graph),
        explain_sha256=sha256(content.explain),
        columns=columns,
        cutoff=SCORECARD.cutoff,
        data=DataRecord(sha256=SNAPSHOT, rows=3, default_share=0.5, sample=True),
        metrics={},
        git_revision="0",
        mlflow_run_id="toy",
        libraries={},
    )
    return open_model(record, content)


class RedisServer:
    """A redis-server on a free port of this machine, which a test may stop and start again."""

    def __init__(self, folder: Path) -> None:
        self._port = free_port()
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        self.address = f"redis://127.0.0.1:{self._port}/0"

    def start(self, *options: str) -> None:
        command = ["redis-server", "--port", str(self._port), "--bind", "127.0.0.1", "--save", "", *options]
        with (self._folder / "redis.log").open("ab") as log:
            self._process = subprocess.Popen(command, cwd=self._folder, stdout=log, stderr=subprocess.STDOUT)
        client = redis.Redis.from_url(self.address)
        until(lambda: _is_up(client), (self._folder / "redis.log").read_text)
        client.close()

    def stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None


def _is_up(client: redis.Redis) -> bool:
    try:
        return bool(client.ping())
    except redis.ConnectionError:
        return False


@contextmanager
def redis_server(folder: Path) -> Iterator[RedisServer]:
    """A running one; without redis-server on this machine the test is skipped, in CI it fails."""
    program("redis-server", "on Debian, apt-get install redis-server")
    server = RedisServer(folder)
    server.start()
    try:
        yield server
    finally:
        server.stop()


@contextmanager
def redis_address(folder: Path) -> Iterator[str]:
    """The address that REDIS_URL names, emptied of this scorecard's keys, or that of a server of its own."""
    if given := os.environ.get("REDIS_URL"):
        yield given
        with redis.Redis.from_url(given) as client:
            for name in client.scan_iter(f"scorebox:{SCORECARD.name}:*"):
                client.delete(name)
        return
    with redis_server(folder) as server:
        yield server.address
