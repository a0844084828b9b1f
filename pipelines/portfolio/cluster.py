"""The same scoring as actors of Ray Data, on the cluster at RAY_ADDRESS or in this machine's own."""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import Iterator
from typing import Any

import pyarrow as pa

from pipelines.portfolio.inputs import Portfolio, RowGroup
from pipelines.portfolio.rows import Outcome, RowScorer
from scoring import models, scorecards
from scoring.expected import DataError
from scoring.models import Content, ModelRecord
from scoring.policy import CutoffPolicy
from scoring.scorecard import Scorecard
from scoring.tables.places import one_line
from training.errors import StageError

PART = "part"
OUTCOME = pa.schema(
    [
        ("rows", pa.int64()),
        ("declined", pa.int64()),
        ("scored", pa.large_binary()),
        ("rejected", pa.large_binary()),
        ("trouble", pa.string()),
    ]
)


class PartScorer:
    """An actor: reads the parts it is given and scores them.

    Args:
        scorecard: name of the product; the workers have the same code.
        record: what is known of the model.
        content: its graphs, so that workers need no model store.
        policy: the cut-off that decides.
        parts: all parts of the portfolio.
        key: the portfolio's key column, if it has one.
        history: the address of the scorecard's history; None for one without.
    """

    def __init__(
        self,
        scorecard: str,
        record: ModelRecord,
        content: Content,
        policy: CutoffPolicy,
        parts: list[RowGroup],
        key: pa.Field | None,
        history: str | None,
    ) -> None:
        self._scorer = RowScorer(scorecards.load(scorecard), models.open_model(record, content), policy, key, history)
        self._parts = parts

    def __call__(self, chosen: pa.Table) -> Iterator[pa.Table]:
        """Return one row for each outcome, in order; a part that cannot be read ends with a row that says why.

        Ray carries rows of one table, and an outcome has two: each is one cell, in Arrow's own format.
        """
        for part in chosen.column(PART).to_pylist():
            try:
                for batch in self._parts[part].read():
                    outcome = self._scorer.score(batch)
                    yield _row(outcome.rows, outcome.declined, _packed(outcome.scored), _packed(outcome.rejected), "")
            except DataError as error:
                yield _row(0, 0, b"", b"", str(error))


def _row(*values: int | bytes | str) -> pa.Table:
    return pa.table([[value] for value in values], schema=OUTCOME)


def outcomes(
    scorecard: Scorecard, record: ModelRecord, policy: CutoffPolicy, portfolio: Portfolio, history: str | None
) -> Iterator[Outcome]:
    """Yield the outcomes of all rows, in the order of the input.

    Raises:
        StageError: Ray is not installed, there is no cluster at RAY_ADDRESS, or it fails.
        DataError: a worker cannot read a file.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    # Every error is raised here as well; Ray's log adds advice for its own developers.
    os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")
    try:
        import ray
    except ImportError:
        raise StageError("--engine ray needs Ray: pip install 'scorebox[cluster]'") from None
    _check_address(os.environ.get("RAY_ADDRESS", ""))
    _, content = models.read(record.tag)
    ours = not ray.is_initialized()
    try:
        if ours:
            ray.init(include_dashboard=False, log_to_driver=False, logging_level=logging.ERROR)
        yield from _run(ray, scorecard, record, content, policy, portfolio, history)
    except (ray.exceptions.RayError, ConnectionError) as error:
        reason = one_line(getattr(error, "cause", None) or error)
        raise StageError(f"Ray failed: {reason[:LONGEST_REASON]}") from error
    finally:
        if ours:
            ray.shutdown()


CONNECT_SECONDS = 10

LONGEST_REASON = 300
"""Characters of a worker's failure that are shown; Ray repeats the whole trace."""


def _check_address(address: str) -> None:
    """Fail at once where no cluster answers: Ray itself tries for minutes."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if not (host and port.isdigit()):
        return  # none, or a word that Ray knows
    try:
        socket.create_connection((host, int(port)), timeout=CONNECT_SECONDS).close()
    except OSError as error:
        raise StageError(f"no Ray cluster answers at RAY_ADDRESS {address}: {one_line(error)}") from None


def _run(
    ray: Any,
    scorecard: Scorecard,
    record: ModelRecord,
    content: Content,
    policy: CutoffPolicy,
    portfolio: Portfolio,
    history: str | None,
) -> Iterator[Outcome]:
    import ray.data

    logging.getLogger("ray.data").setLevel(logging.CRITICAL)
    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = False
    context.execution_options.preserve_order = True
    parts = portfolio.parts
    actors = max(1, min(len(parts), int(ray.cluster_resources().get("CPU", 1))))
    scored = ray.data.from_items([{PART: number} for number in range(len(parts))], override_num_blocks=len(parts))
    scored = scored.map_batches(
        PartScorer,
        fn_constructor_args=(scorecard.name, record, content, policy, parts, portfolio.key, history),
        batch_format="pyarrow",
        batch_size=1,
        zero_copy_batch=True,
        concurrency=(1, actors),
        num_cpus=1,
    )
    for row in scored.iter_rows():
        if row["trouble"]:
            raise DataError(row["trouble"])
        yield Outcome(row["rows"], row["declined"], _unpacked(row["scored"]), _unpacked(row["rejected"]))


def _packed(table: pa.Table) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    content: bytes = sink.getvalue().to_pybytes()
    return content


def _unpacked(content: bytes) -> pa.Table:
    return pa.ipc.open_stream(content).read_all()
