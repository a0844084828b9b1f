"""For how many declines there is a counterfactual, and how long the search takes.

`python -m loadtests.benchmarks.counterfactuals [--rows N]`, after `dvc repro`: of each scorecard's test rows that are
declined, N drawn at random, by the graph that serves.
"""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Iterator
from typing import Annotated, Any

import numpy as np
import pandas as pd
import typer

from pipelines.artifacts import read_benchmark, read_variants
from pipelines.workspace import Workspace
from scoring.application import Application
from scoring.counterfactual.answer import Counterfactual
from scoring.counterfactual.search import smallest_change
from scoring.decision_rules import declined
from scoring.graph import Graph
from scoring.scorecard import Scorecard
from scoring.scorecards import load, names
from training.graph.inputs import graph_inputs
from training.parquet import read_parquet

SEED = 1


def application(scorecard: Scorecard, model: type[Application], row: pd.Series[Any]) -> Application:
    """Return a row of a table as the application it came from."""
    present = [rule for rule in scorecard.rules if rule.column in row and not pd.isna(row[rule.column])]
    kinds = {"integer": int, "number": float, "text": str}
    return model.model_validate({rule.column: kinds[rule.kind](row[rule.column]) for rule in present})


def searches(scorecard: Scorecard, rows: int) -> Iterator[tuple[Counterfactual, float]]:
    """Return the counterfactuals of `count` declined test rows, and the seconds that each took."""
    workspace = Workspace(scorecard.name, "full")
    graph = Graph(read_variants(workspace)[read_benchmark(workspace).serving])
    test, _ = read_parquet(workspace.test)
    inputs = graph_inputs(test, graph.columns, graph.text_columns)
    declines = np.flatnonzero(declined(graph.score(inputs), scorecard.cutoff))
    model = scorecard.request_model(graph.columns)
    for position in np.random.default_rng(SEED).permutation(declines)[:rows].tolist():
        sent = application(scorecard, model, test.iloc[position])
        row = inputs[np.array([position])]
        start = time.perf_counter()
        found = smallest_change(scorecard, sent, graph.columns, row, graph.score, scorecard.cutoff)
        seconds = time.perf_counter() - start
        assert found is not None
        yield found, seconds


def line(scorecard: Scorecard, rows: int) -> str:
    """Return one scorecard's line of the table."""
    found, seconds = zip(*searches(scorecard, rows), strict=True)
    counts = Counter(min(len(one.changes), 3) for one in found)
    none = [one for one in found if not one.found]
    shares = " | ".join(f"{counts[fields] / len(found):.1%}" for fields in (1, 2, 3))
    exhausted = f"{len(none) / len(found):.1%} | {sum(one.exhaustive for one in none) / len(found):.1%}"
    median, high, longest = np.quantile(np.array(seconds) * 1e3, [0.5, 0.95, 1])
    return (
        f"| `{scorecard.name}` | {len(found):,} | {shares} | {exhausted} | {median:.0f} | {high:.0f} | {longest:.0f} |"
    )


def main(rows: Annotated[int, typer.Option(help="Declined rows of each scorecard.", min=1)] = 1_000) -> None:
    """Search the counterfactuals of declined test rows, and time it."""
    titles = "scorecard|declines|one field|two|three or more|none|none, every step tried|ms, median|95 %|longest"
    sys.stdout.write(f"| {titles.replace('|', ' | ')} |\n|{' --- |' * (titles.count('|') + 1)}\n")
    for name in names():
        sys.stdout.write(line(load(name), rows) + "\n")


if __name__ == "__main__":
    typer.run(main)
