"""How long a read of the history takes: `python -m loadtests.benchmarks.history_reads [REDIS]`.

Both stores are filled with as many clients as home_credit has published, made up, by the code of
`scorebox history`; the Redis must be empty but for this.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import typer

from pipelines.watch.history import fill
from pipelines.workspace import Workspace
from scoring.history.opening import open_history
from scoring.history.store import REDIS_SCHEMES, HistoryStore
from scoring.scorecard import Scorecard
from scoring.scorecards import load
from training.parquet import SNAPSHOT_KEY

CLIENTS = 307_511
ROWS = 16_384
BATCHES = {1: 20_000, 64: 500, 1_024: 50}
"""Keys of one read, and how many reads of other keys."""
SEED = 1


def _write_clients(scorecard: Scorecard, path: Path) -> None:
    draw = np.random.default_rng(SEED)
    path.parent.mkdir(parents=True)
    fields = [(scorecard.key, pa.int64()), *((name, pa.float32()) for name in scorecard.history)]
    schema = pa.schema(fields, metadata={SNAPSHOT_KEY: b"0" * 64})
    with pq.ParquetWriter(path, schema) as writer:
        for start in range(0, CLIENTS, ROWS):
            keys = np.arange(start, min(start + ROWS, CLIENTS)) + 100_002
            values = draw.standard_normal((len(scorecard.history), len(keys)), dtype=np.float32)
            writer.write_table(pa.table([keys, *values], schema=schema))


def _measure(store: HistoryStore) -> Iterator[str]:
    draw = np.random.default_rng(SEED)
    for size, runs in BATCHES.items():
        times = []
        for _ in range(runs):
            keys = draw.integers(100_002, 100_002 + CLIENTS, size)
            start = time.perf_counter()
            store.read(keys)
            times.append((time.perf_counter() - start) / size * 1e6)
        median, high = np.quantile(times, [0.5, 0.99])
        yield f"| {size:,} | {median:.1f} | {high:.1f} |"


def main(
    redis: Annotated[str | None, typer.Argument(help="Address of a Redis, redis://...; else SQLite alone.")] = None,
) -> None:
    """Fill a history of as many made-up clients as the published files have, and time reads of it."""
    if redis is not None and not redis.startswith(REDIS_SCHEMES):
        raise typer.BadParameter(f"{redis!r} is not the address of a Redis")
    card = load("home_credit")
    columns = list(card.history)
    with TemporaryDirectory(prefix="scorebox-history-") as folder:
        workspace = Workspace(card.name, "full", Path(folder))
        _write_clients(card, workspace.applications)
        for address in (str(Path(folder, "history.sqlite")), *([redis] if redis else [])):
            start = time.perf_counter()
            fill(card, workspace, address)
            filled = time.perf_counter() - start
            kind = "Redis" if address.startswith(REDIS_SCHEMES) else "SQLite"
            lines = [f"{kind}: {CLIENTS:,} clients, {len(columns)} columns, filled in {filled:.0f} s", ""]
            lines += ["| keys at once | µs per application | 99th percentile |", "| --- | --- | --- |"]
            with closing(open_history(address, card, columns)) as store:
                sys.stdout.write("\n".join([*lines, *_measure(store)]) + "\n\n")


if __name__ == "__main__":
    typer.run(main)
