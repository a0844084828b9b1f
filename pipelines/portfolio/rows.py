"""A batch of a portfolio in, its decisions and its rejected rows out.

Nothing here knows where batches come from, so every engine gives the same bytes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from scoring.decider import Decider
from scoring.decision_rules import DecidedColumns
from scoring.errors import InvalidApplicationError, RowError
from scoring.expected import DataError
from scoring.frames import Frame, history_columns
from scoring.history.opening import open_history
from scoring.models import StoredModel
from scoring.policy import CutoffPolicy
from scoring.scorecard import Scorecard
from scoring.tables.batches import TableBatch
from scoring.tables.columns import ColumnValues
from scoring.tables.numbers import SAFE_INTEGER

ROW = pa.field("row", pa.int64())


@dataclass(frozen=True)
class Outcome:
    """The decisions and rejects of consecutive rows; `row` counts from the first of them."""

    rows: int
    declined: int
    scored: pa.Table
    rejected: pa.Table


class RowScorer:
    """Scores and decides with one model.

    Args:
        scorecard: the product.
        model: the variant that scores.
        policy: the cut-off that decides.
        key: the portfolio's key column, if it has one.
        history: the address of the scorecard's history; None for one without.

    Raises:
        HistoryError: the history is missing or not the scorecard's.
    """

    def __init__(
        self,
        scorecard: Scorecard,
        model: StoredModel,
        policy: CutoffPolicy,
        key: pa.Field | None,
        history: str | None,
    ) -> None:
        store = None
        if history is not None:
            store = open_history(history, scorecard, history_columns(scorecard, model.graph.columns))
        self._frame = Frame(scorecard, model.graph.columns, store)
        self._key_is_field = scorecard.key in scorecard.columns
        self._decider = Decider.by_policy(scorecard, model, policy)
        self._bands = pa.array([band.name for band in scorecard.bands])
        self._key = key
        keys = [] if key is None else [key]
        self.scored = pa.schema(
            [
                *keys,
                ROW,
                ("pd", pa.float32()),
                ("points", pa.int64()),
                ("band", pa.dictionary(pa.int8(), pa.string())),
                ("decision", pa.dictionary(pa.int8(), pa.string())),
                *([("thin_file", pa.bool_())] if scorecard.history else []),
            ]
        )
        """Columns of the output."""
        self.rejected = pa.schema([ROW, *keys, ("field", pa.string()), ("rule", pa.string()), ("message", pa.string())])
        """Columns of the reject file: a line for each broken rule of a row."""

    def score(self, batch: TableBatch) -> Outcome:
        """Return the decisions of the good rows, and the reasons against the others.

        Raises:
            DataError: a column holds values of a type that its field never has.
            HistoryUnavailableError: the history does not answer.
        """
        table, keys = batch.table, None
        if self._key is not None:
            keys = table.column(self._key.name)
            if not self._key_is_field:
                table = table.drop_columns([self._key.name])
        try:
            read = self._frame.read_table(table, as_text=batch.as_text, decimal=batch.decimal)
        except InvalidApplicationError as error:
            raise DataError(f"{batch.shown}: {error}") from None
        if self._key is not None and batch.as_text and pa.types.is_integer(self._key.type):
            keys = _whole(read.columns[self._key.name])
        decided = self._decider.columns(read.inputs)
        kept = keys if keys is None or not read.broken else keys.take(pa.array(read.positions))
        scored = self._table(decided, batch.positions[read.positions], kept, read.inputs.known)
        found = [RowError(index=int(batch.positions[error.index]), errors=error.errors) for error in read.errors]
        errors = sorted(batch.unreadable + found, key=lambda error: error.index)
        rejected = self._reject(errors, batch.positions, keys)
        return Outcome(batch.rows, int(np.count_nonzero(decided.declined)), scored, rejected)

    def _table(
        self,
        decided: DecidedColumns,
        rows: NDArray[np.int64],
        keys: pa.ChunkedArray | None,
        known: NDArray[np.bool_] | None,
    ) -> pa.Table:
        columns = [
            pa.array(rows),
            pa.array(decided.pd),
            pa.array(decided.points),
            pa.DictionaryArray.from_arrays(pa.array(decided.bands.astype(np.int8)), self._bands),
            pa.DictionaryArray.from_arrays(pa.array(decided.declined.astype(np.int8)), DECISIONS),
        ]
        if known is not None:
            columns.append(pa.array(~known))
        return pa.table(columns if keys is None else [keys, *columns], schema=self.scored)

    def _reject(self, errors: list[RowError], positions: NDArray[np.int64], keys: pa.ChunkedArray | None) -> pa.Table:
        lines = [(row.index, error) for row in errors for error in row.errors]
        rows = np.array([row for row, _ in lines], dtype=np.int64)
        columns = [pa.array(rows)]
        if keys is not None:
            # A row that is not in the table has no key that could be read.
            places = np.searchsorted(positions, rows)
            inside = places < len(positions)
            inside[inside] = positions[places[inside]] == rows[inside]
            columns.append(keys.take(pa.array(places, mask=~inside)))
        columns += [
            pa.array([error.field for _, error in lines], pa.string()),
            pa.array([error.rule for _, error in lines], pa.string()),
            pa.array([error.message for _, error in lines], pa.string()),
        ]
        return pa.table(columns, schema=self.rejected)


DECISIONS = pa.array(["approve", "decline"])


def _whole(keys: ColumnValues) -> pa.ChunkedArray:
    """Return keys that came as text and are whole numbers by the contract; null where one is none."""
    values = keys.values
    whole = (np.floor(values) == values) & (np.abs(values) < SAFE_INTEGER)
    return pa.chunked_array([pa.array(np.where(whole, values, 0).astype(np.int64), mask=~whole)])
