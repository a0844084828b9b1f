"""Shared by the tests of portfolios: rows, files of them, and a run in this process."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from pipelines.portfolio import inputs, run
from scoring.frames import Frame
from scoring.models import StoredModel
from scoring.policy import CutoffPolicy
from scoring.scorecards import load
from tests.serving.conftest import startup_config

CARD = load("card_default")
TOY = startup_config().champion.model
OWN = CutoffPolicy.of(CARD)


def rows(count: int) -> pa.Table:
    """Good rows with key, every field and the target."""
    return pa.table(CARD.sample(np.random.default_rng(11), count))


def changed(table: pa.Table, name: str, row: int, value: Any) -> pa.Table:
    """The table with another value in one cell."""
    values = table.column(name).to_pylist()
    values[row] = value
    return table.set_column(table.column_names.index(name), name, pa.array(values, table.schema.field(name).type))


def write(table: pa.Table, path: Path) -> Path:
    """The table as a file of the kind that the path says."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".parquet":
        pq.write_table(table, path)
    else:
        with pa.output_stream(path, compression="gzip" if path.suffix == ".gz" else None) as stream:
            pacsv.write_csv(table, stream)
    return path


def score(
    source: Path | str,
    output: Path | str,
    *,
    model: StoredModel = TOY,
    rejects: str | None = None,
    most_rejected: float = 0.5,
    engine: run.Engine = "local",
    policy: CutoffPolicy = OWN,
) -> run.Summary:
    """Scores as the command does, with any model."""
    found = inputs.find(CARD, Frame(CARD, model.graph.columns), str(source))
    to = run.targets(found, str(output), rejects)
    return run.score(
        CARD, model, policy, found, to, most_rejected=most_rejected, engine=engine, advance=lambda done: None
    )


def read(path: Path) -> pa.Table:
    """A table that was written; a CSV file's texts and numbers as they look."""
    return pq.read_table(path) if path.suffix == ".parquet" else pacsv.read_csv(path)
