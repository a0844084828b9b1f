"""Rows that arrive in the copy, and those that find others in their place."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Column, Connection, Table, select
from sqlalchemy.dialects.postgresql import insert

from pipelines.journal.shipping.rows import EMPTIED, Row
from training.errors import StageError

_MOST_NAMED = 5


def arrive(connection: Connection, where: str, table: Table, key: Column[Any], rows: Sequence[Row]) -> None:
    """Insert rows; one that is there already must be the same, but for its journal and an emptied payload.

    Args:
        connection: in a transaction.
        where: the database's name, for the message.
        table: of the copy.
        key: a column of it that tells every row from any other.
        rows: of the table.

    Raises:
        StageError: rows are there with other contents; the message counts them and names the first few.
    """
    if not rows:
        return
    # Without RETURNING, so that the driver sends one prepared statement many times: a third of the time.
    statement = insert(table).on_conflict_do_nothing().execution_options(preserve_rowcount=True)
    if connection.execute(statement, rows).rowcount == len(rows):
        return
    there = connection.execute(select(table).where(key.in_([row[key.name] for row in rows]))).mappings()
    found = {row[key.name]: dict(row) for row in there}
    other = [
        f"{row['decision_id']} ({different})"
        for row in rows
        if (different := _differences(table, row, found.get(row[key.name])))
    ]
    if other:
        named = ", ".join(other[:_MOST_NAMED]) + (", ..." if len(other) > _MOST_NAMED else "")
        raise StageError(
            f"{len(other):,} {table.name} are in {where} with other contents than in the journal: {named}; "
            "nothing from there on is copied until they are put right"
        )


def _differences(table: Table, sent: Row, found: Row | None) -> str:
    """Return the columns that differ, in words; empty if none does."""
    if found is None:
        return "its sequence is another record's"
    payload = EMPTIED[table]
    names = [name for name in sent if name != "journal" and found[name] != sent[name]]
    emptied = all(found[name] is None for name in payload) or all(sent[name] is None for name in payload)
    return ", ".join(name for name in names if not (emptied and name in payload))
