"""`python -m loadtests.benchmarks.portfolio`: speed and memory next to a plain script, in docs/how-to/batch.md."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Annotated, Literal

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import typer

from loadtests.benchmarks import plain_portfolio as plain
from pipelines.cli.console import console
from pipelines.portfolio import inputs, run
from pipelines.stages.ingest import current_source, ingest
from pipelines.workspace import RELEASES, Workspace
from scoring import models, scorecards
from scoring.files import write_atomically
from scoring.frames import Frame
from scoring.policy import CutoffPolicy

PAGE = Path("docs/how-to/batch.md")
BEGIN, END = "<!-- benchmark -->\n", "<!-- /benchmark -->\n"
SCORECARD = "card_default"
SEED = 1
GROUP = 1_000_000
"""Rows of a row group of the portfolio, as pandas writes them."""

Contender = Literal["scorebox", "plain"]
TITLES: dict[Contender, str] = {"scorebox": "Scorebox", "plain": "pandas and ONNX Runtime"}


@dataclass(frozen=True)
class Measurement:
    """One run in a process of its own, its imports and the loading of the model left out of the times."""

    contender: Contender
    rows: int
    cpu_seconds: float
    wall_seconds: float
    peak_bytes: int


def make_portfolio(path: Path, rows: int) -> str:
    """Write a portfolio of rows drawn from the published file; return the source of the rows."""
    card = scorecards.load(SCORECARD)
    location = current_source(SCORECARD)
    with tempfile.TemporaryDirectory() as folder:
        taken = Workspace(SCORECARD, "benchmark", Path(folder))
        summary = ingest(card, taken, location, 30_000, lambda what, done, total: None)
        table = pq.read_table(taken.raw_table("applications")).replace_schema_metadata(None)
    draw = np.random.default_rng(SEED)
    with pq.ParquetWriter(path, table.schema) as writer:
        for start in range(0, rows, GROUP):
            count = min(GROUP, rows - start)
            part = table.take(pa.array(draw.integers(0, len(table), count)))
            writer.write_table(part.set_column(0, card.key, pa.array(np.arange(start, start + count))))
    if summary.sample_data:
        return "sample data"
    return "the published file" if summary.published else "own data, unverified"


def measure(contender: Contender, source: str, output: str) -> Measurement:
    """Score the portfolio in this process."""
    card = scorecards.load(SCORECARD)
    tag = models.Release.read(RELEASES / f"{SCORECARD}.json").tags["fp32"]
    record, content = models.read(tag)
    model = models.open_model(record, content)
    policy = CutoffPolicy.of(card)
    wall, cpu = time.perf_counter(), time.process_time()
    if contender == "scorebox":
        portfolio = inputs.find(card, Frame(card, model.graph.columns), source)
        to = run.targets(portfolio, output, None)
        rows = run.score(
            card, model, policy, portfolio, to, most_rejected=0, engine="local", advance=lambda done: None
        ).scored
    else:
        rows = plain.score(content.graph, record.columns, card.key, policy.cutoff, source, output)
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    return Measurement(contender, rows, cpu, wall, peak_memory())


def peak_memory() -> int:
    """Return the most bytes that this process has had in memory; getrusage would count its parent's."""
    status = Path("/proc/self/status").read_text()
    (line,) = (line for line in status.splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) << 10


def measurements(folder: Path, sizes: list[int], rounds: int) -> Iterator[Measurement]:
    """Measure every contender in turn, on one core with one thread."""
    core = min(os.sched_getaffinity(0))
    # Arrow and the rest take their number of threads from it.
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    for _ in range(rounds):
        for rows in sizes:
            for contender in TITLES:
                arguments = [contender, str(folder / f"{rows}.parquet"), str(folder / "out.parquet")]
                done = subprocess.run(
                    ["taskset", "--cpu-list", str(core), sys.executable, "-m", __spec__.name, "--one", *arguments],
                    env=environment,
                    check=True,
                    stdout=subprocess.PIPE,
                )
                yield Measurement(**json.loads(done.stdout))


def report(found: list[Measurement], origin: str, command: str) -> str:
    """Return the figures as Markdown: medians over the rounds."""
    rounds = sum((one.contender, one.rows) == (found[0].contender, found[0].rows) for one in found)
    load = os.getloadavg()[0]
    lines = [
        f"Made by `{command}`, {datetime.now(UTC):%Y-%m-%d %H:%M} UTC, load of the machine at the end {load:.1f} on "
        f"{os.cpu_count()} cores. Rows are drawn from {origin}; each figure is the median of {rounds} runs, each in a "
        "process of its own on one core with one thread. CPU is user and system time from opening the input to the "
        "whole output; memory is the peak of the process, the libraries included. "
        f"pyarrow {version('pyarrow')}, onnxruntime {version('onnxruntime')}, pandas {version('pandas')}.\n",
        "|  | rows | rows per CPU second | rows/s on the clock | peak memory, MiB |",
        "| --- | ---: | ---: | ---: | ---: |",
    ]
    for rows in sorted({one.rows for one in found}):
        for contender, title in TITLES.items():
            runs = [one for one in found if (one.contender, one.rows) == (contender, rows)]
            cpu = rows / median(one.cpu_seconds for one in runs)
            wall = rows / median(one.wall_seconds for one in runs)
            peak = median(one.peak_bytes for one in runs) / (1 << 20)
            lines.append(f"| {title} | {rows:,} | {cpu:,.0f} | {wall:,.0f} | {peak:,.0f} |")
    return "\n".join(lines) + "\n"


def main(
    rows: Annotated[
        int, typer.Option(min=10, help="Rows of the large portfolio; a small one has a tenth.")
    ] = 10_000_000,
    rounds: Annotated[int, typer.Option(min=1, help="Runs of each; the figures are their medians.")] = 3,
) -> None:
    """Measure both and write the figures into docs/how-to/batch.md."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        sizes = [rows // 10, rows]
        for size in sizes:
            origin = make_portfolio(folder / f"{size}.parquet", size)
        found = []
        for one in measurements(folder, sizes, rounds):
            speed = f"{one.rows / one.cpu_seconds:,.0f} rows per CPU second"
            console.print(f"{TITLES[one.contender]:<24} {one.rows:>11,} rows  {speed}  {one.peak_bytes >> 20:,} MiB")
            found.append(one)
    command = " ".join(["python -m loadtests.benchmarks.portfolio", *sys.argv[1:]])
    # The rest of the page is written by hand.
    before, _, rest = PAGE.read_text().partition(BEGIN)
    _, _, after = rest.partition(END)
    write_atomically(PAGE, before + BEGIN + report(found, origin, command) + END + after)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--one"]:
        contender, source, output = sys.argv[2:]
        assert contender in {"scorebox", "plain"}
        print(json.dumps(asdict(measure(contender, source, output))))  # type: ignore[arg-type]  # noqa: T201
    else:
        typer.run(main)
