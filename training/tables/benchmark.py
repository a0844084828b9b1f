"""`python -m training.tables.benchmark`: the features of home_credit at scale, in docs/explanation/features.md."""

from __future__ import annotations

import multiprocessing
import os
import re
import textwrap
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, TypeVar

import pandas as pd
import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from scoring.expected import DataError
from scoring.files import write_atomically
from training.markdown import table
from training.tables import TableSet, find
from training.tables.build import build, queries
from training.tables.engine import MEMORY, THREADS, count_rows, first_line, open_table
from training.tables.peers import TABLE, with_duckdb, with_pandas

REPORT = Path(__file__).parents[2] / "docs" / "explanation" / "features.md"
BEGIN, END = "<!-- measured: begin -->", "<!-- measured: end -->"
FULL = 307_511
SEED = 42
# What the features of the full tables may take on two cores.
SECONDS, GIBIBYTES = 60.0, 4.0
FALLS_SHORT = 1

Result = TypeVar("Result")


@dataclass(frozen=True)
class Measured:
    """The cost of one piece of work in a process of its own: wall and processor time, and its peak memory."""

    what: str
    seconds: float
    processor_seconds: float
    gibibytes: float


def main(
    applications: Annotated[int, typer.Option(help="Applications to make up; the other tables in proportion.")] = FULL,
    folder: Annotated[
        Path | None,
        typer.Option(help="Where the raw tables are, or are put and kept; a temporary folder if not given."),
    ] = None,
    memory: Annotated[str, typer.Option(help="What DuckDB may use.")] = MEMORY,
    threads: Annotated[int, typer.Option(help="DuckDB's threads.")] = THREADS,
    report: Annotated[
        Path, typer.Option(help="The document whose table is replaced.", show_default="docs/explanation/features.md")
    ] = REPORT,
) -> None:
    """Measure all seven tables to features, and DuckDB next to pandas on the largest table of payments.

    Exits with 1 if the features take more than 60 seconds or 4 GiB.
    """
    (tables,) = find("home_credit")
    console = Console(stderr=True, highlight=False)
    try:
        with TemporaryDirectory(prefix="scorebox.") as scratch:
            raw = folder or Path(scratch) / "raw"
            features, peers = _measure(tables, raw, Path(scratch), applications, memory, threads, console)
            rows = {table.name: open_table(raw, table).metadata.num_rows for table in tables.tables}
        lines = _report(rows, features, peers, memory, threads)
        _write(report, lines)
    except DataError as error:
        console.print(f"[bold red]error[/] {error}", soft_wrap=True)
        raise typer.Exit(FALLS_SHORT) from None
    console.print("\n".join(lines), markup=False, soft_wrap=True)
    if features[-1].seconds > SECONDS or features[-1].gibibytes > GIBIBYTES:
        console.print(f"[bold red]falls short[/] of {SECONDS:g} s and {GIBIBYTES:g} GiB")
        raise typer.Exit(FALLS_SHORT)


def _measure(
    tables: TableSet, raw: Path, scratch: Path, applications: int, memory: str, threads: int, console: Console
) -> tuple[list[Measured], list[Measured]]:
    with Progress(TextColumn("{task.description:<32}"), BarColumn(), TimeElapsedColumn(), console=console) as progress:
        if not all((raw / f"{table.name}.parquet").exists() for table in tables.tables):
            task = progress.add_task("making up the raw tables", total=applications)
            tables.generate(raw, applications, SEED, lambda what, done: progress.advance(task, done))
        task = progress.add_task(f"features of {count_rows(tables.tables, raw):,} rows", total=1)
        features = _in_own_process(_build, raw, scratch, memory, threads)
        progress.advance(task)
        payments = raw / f"{TABLE}.parquet"
        task = progress.add_task("21 aggregates", total=3)
        peers = []
        for name, work, *arguments in (
            ("DuckDB, exact sums", _duckdb, payments, scratch / "exact.parquet", memory, threads, True),
            ("DuckDB, floating sums", _duckdb, payments, scratch / "floating.parquet", memory, threads, False),
            ("pandas", _pandas, payments, scratch / "pandas.parquet"),
        ):
            peers.append(_in_own_process(work, name, *arguments))
            progress.advance(task)
    _check_same(scratch)
    return features, peers


def _in_own_process(work: Callable[..., Result], *arguments: object) -> Result:
    # A new interpreter, so that its peak memory is its own.
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        return pool.submit(work, *arguments).result()


def _build(raw: Path, scratch: Path, memory: str, threads: int) -> list[Measured]:
    """Measure each query, and all together with hashing and lineage."""
    (tables,) = find("home_credit")
    steps: list[Measured] = []
    begun: list[tuple[float, float]] = []

    def tell(what: str, done: int) -> None:
        if done:
            steps.append(_since(begun.pop(), what))
        else:
            begun.append((time.perf_counter(), time.process_time()))

    start = time.perf_counter(), time.process_time()
    build(tables, raw, scratch / "features.parquet", tell, memory=memory, threads=threads)
    assert len(steps) == len(queries(tables))
    return [*steps, _since(start, "all, with hashes and lineage")]


def _duckdb(name: str, file: Path, result: Path, memory: str, threads: int, exact: bool) -> Measured:
    start = time.perf_counter(), time.process_time()
    found = with_duckdb(file, memory, threads, exact=exact)
    measured = _since(start, name)
    found.to_parquet(result)
    return measured


def _pandas(name: str, file: Path, result: Path) -> Measured:
    start = time.perf_counter(), time.process_time()
    found = with_pandas(file)
    measured = _since(start, name)
    found.to_parquet(result)
    return measured


def _since(start: tuple[float, float], what: str) -> Measured:
    return Measured(what, time.perf_counter() - start[0], time.process_time() - start[1], _peak_gibibytes())


def _peak_gibibytes() -> float:
    """Return the most memory that this process has held, as Linux counts it."""
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    found = re.search(r"^VmHWM:\s+(\d+) kB", status, re.MULTILINE)
    assert found
    return int(found[1]) / 2**20


def _check_same(scratch: Path) -> None:
    expected = pd.read_parquet(scratch / "pandas.parquet")
    for name in ("exact", "floating"):
        found = pd.read_parquet(scratch / f"{name}.parquet").sort_index()
        try:
            pd.testing.assert_frame_equal(found, expected, check_dtype=False, rtol=1e-6, check_names=False)
        except AssertionError as error:
            raise DataError(f"DuckDB's {name} aggregates are not those of pandas: {first_line(error)}") from error


def _report(
    rows: dict[str, int], features: list[Measured], peers: list[Measured], memory: str, threads: int
) -> list[str]:
    counts = ", ".join(f"{name} {count:,}" for name, count in rows.items())
    what = f"{sum(rows.values()):,} rows in seven tables: {counts}."
    how = f"DuckDB with {threads} threads and a limit of {memory}, on {os.cpu_count()} cores."
    return [
        *textwrap.wrap(f"{what} {how}", 118),
        "",
        table(["query", "seconds", "processor seconds", "peak memory so far, GiB"], list(map(_row, features))),
        f"The same 21 aggregates of the {rows[TABLE]:,} rows of {TABLE}, from Parquet, each in a process of its own:",
        "",
        table(["", "seconds", "processor seconds", "peak memory, GiB"], list(map(_row, peers))).rstrip(),
    ]


def _row(item: Measured) -> list[str]:
    return [item.what, f"{item.seconds:.1f}", f"{item.processor_seconds:.1f}", f"{item.gibibytes:.2f}"]


def _write(report: Path, lines: list[str]) -> None:
    text = report.read_text(encoding="utf-8")
    if BEGIN not in text or END not in text:
        raise DataError(f"{report}: the lines {BEGIN} and {END} are not there; the figures go between them")
    head, rest = text.split(BEGIN, 1)
    tail = rest.split(END, 1)[1]
    write_atomically(report, "\n".join([head + BEGIN, *lines, END + tail]))


if __name__ == "__main__":
    typer.run(main)
