"""A portfolio from its input to its output."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Literal

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv

from pipelines.portfolio.inputs import Portfolio
from pipelines.portfolio.rows import ROW, Outcome, RowScorer
from pipelines.portfolio.writer import TableWriter
from scoring.disk import reason
from scoring.expected import DataError
from scoring.models import StoredModel
from scoring.policy import CutoffPolicy
from scoring.scorecard import Scorecard
from scoring.tables.outputs import aside, refuse_overlap
from scoring.tables.places import CSV, PARQUET, Place, one_line, place
from training.errors import StageError

Engine = Literal["local", "ray"]


@dataclass(frozen=True)
class Summary:
    """The result of scoring a portfolio."""

    rows: int
    rejected: int
    declined: int
    seconds: float
    output: str
    rejects: str

    @property
    def scored(self) -> int:
        """Rows with a decision."""
        return self.rows - self.rejected


@dataclass(frozen=True)
class Targets:
    """Where the decisions and the rejected rows go."""

    output: Place
    rejects: Place


def targets(portfolio: Portfolio, output: str, rejects: str | None) -> Targets:
    """Return the two places that a run writes to; rejects go next to the output if no other place is named.

    Raises:
        DataError: a name has no known suffix, the key cannot be written there, or a file would be written over an
            input or the other one, or into the folder that is read.
    """
    chosen = place(output)
    rejected = _rejects_of(chosen) if rejects is None else place(rejects)
    taken = list(portfolio.files)
    for target in (chosen, rejected):
        if target.suffix not in (PARQUET, CSV):
            raise DataError(f"{target.shown} ends neither in {PARQUET} nor in {CSV}")
        refuse_overlap(target, taken, portfolio.folder)
        taken.append(target)
        if target.suffix == CSV and portfolio.key is not None:
            _check_key(portfolio.shown, portfolio.key)
    return Targets(chosen, rejected)


def _rejects_of(output: Place) -> Place:
    path = PurePosixPath(output.path)
    name = f"{path.stem}.rejects{path.suffix}"
    if output.local is None:
        return output.sibling(str(path.with_name(name)))
    return place(str(Path(output.address).with_name(name)))


def _check_key(shown: str, key: pa.Field) -> None:
    """Check that a key can be written as CSV."""
    try:
        pacsv.write_csv(pa.schema([key]).empty_table(), pa.BufferOutputStream())
    except pa.ArrowException:
        kind = str(key.type)[:LONGEST_TYPE]
        raise DataError(
            f"{shown}: {key.name}: a column of {kind} cannot be written as CSV: name an output that ends in {PARQUET}"
        ) from None


LONGEST_TYPE = 60
"""Characters of a column's type that are shown."""


def score(
    scorecard: Scorecard,
    model: StoredModel,
    policy: CutoffPolicy,
    portfolio: Portfolio,
    to: Targets,
    *,
    most_rejected: float,
    engine: Engine,
    advance: Callable[[int], None],
    history: str | None = None,
) -> Summary:
    """Score all rows and write both files, each as a whole.

    Args:
        scorecard: the product.
        model: the variant that scores.
        policy: the cut-off that decides.
        portfolio: the input.
        to: where the files go.
        most_rejected: share of rows; with more of them rejected there is no output.
        engine: this process, or actors of a Ray cluster.
        advance: told of rows that are done.
        history: the address of the scorecard's history, the same from every folder; None for one without.

    Raises:
        DataError: a file cannot be read or written, or there are no rows in it.
        HistoryError: the history is missing or not the scorecard's.
        HistoryUnavailableError: it does not answer.
        StageError: too many rows are rejected: only the reject file is written; or Ray is not there.
    """
    started = time.perf_counter()
    scorer = RowScorer(scorecard, model, policy, portfolio.key, history)
    if engine == "ray":
        from pipelines.portfolio.cluster import outcomes

        found = outcomes(scorecard, model.record, policy, portfolio, history)
    else:
        found = _here(scorer, portfolio)
    with aside(to.output) as output, aside(to.rejects) as rejects:
        scored = TableWriter(output.file, to.output.suffix, scorer.scored)
        rejected = TableWriter(rejects.file, to.rejects.suffix, scorer.rejected)
        try:
            rows, good, declined = _write(found, scored, rejected, advance)
            record = model.record
            facts = {"scorecard": scorecard.name, "model": record.tag, "graph_sha256": record.graph_sha256}
            facts |= {
                "policy": policy.id,
                "cutoff": str(policy.cutoff),
                "rows": str(rows),
                "rejected": str(rows - good),
            }
            scored.close(facts)
            rejected.close(facts)
        except (pa.ArrowException, OSError) as error:
            # What goes wrong with the input has a DataError of its own.
            why = reason(error) if isinstance(error, OSError) else one_line(error)
            raise DataError(f"cannot write {to.output.shown}: {why}") from error
        if rows == 0:
            raise DataError(f"{portfolio.shown} holds no rows")
        rejects.publish()
        if good == 0 or rows - good > most_rejected * rows:
            raise StageError(
                f"{rows - good:,} of {rows:,} rows are rejected, --max-reject-share is {most_rejected:g}; "
                f"{to.output.shown} is not written; the reasons: {to.rejects.shown}"
            )
        output.publish()
    seconds = time.perf_counter() - started
    return Summary(rows, rows - good, declined, seconds, to.output.shown, to.rejects.shown)


def _here(scorer: RowScorer, portfolio: Portfolio) -> Iterator[Outcome]:
    for part in portfolio.parts:
        for batch in part.read():
            yield scorer.score(batch)


def _write(
    found: Iterable[Outcome], scored: TableWriter, rejected: TableWriter, advance: Callable[[int], None]
) -> tuple[int, int, int]:
    """Write all outcomes; return the rows, the scored ones among them, and the declined among those."""
    rows = good = declined = 0
    for outcome in found:
        scored.write(_numbered(outcome.scored, rows))
        rejected.write(_numbered(outcome.rejected, rows))
        rows += outcome.rows
        good += outcome.scored.num_rows
        declined += outcome.declined
        advance(outcome.rows)
    return rows, good, declined


def _numbered(table: pa.Table, start: int) -> pa.Table:
    """Return the table with its rows counted from the start of the input."""
    if not table.num_rows:
        return table
    return table.set_column(table.column_names.index(ROW.name), ROW, pc.add(table.column(ROW.name), start))
