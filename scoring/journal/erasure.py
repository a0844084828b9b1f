"""Erase what applicants sent from the journal; the decisions stay, and stay provable."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence, Set
from itertools import groupby
from pathlib import Path

from scoring.journal.batch import Place
from scoring.journal.lookup import places
from scoring.journal.schema import JournalError, connect, segments
from scoring.moment import now_to_the_millisecond


def erase(folder: Path, decision_ids: Sequence[str]) -> list[str]:
    """Empty the payload of decisions, and of what challengers read for them, on disk too.

    Idempotency keys of their requests go as well. A service may be writing: it waits until a segment is done.

    Returns:
        The ids of those that had a payload.

    Raises:
        JournalError: there is no journal, or a segment cannot be written.
    """
    if not segments(folder):
        raise JournalError(f"there is no journal in {folder}")
    erased: list[str] = []
    for path in segments(folder):
        connection = connect(path, write=True)
        try:
            connection.execute("BEGIN IMMEDIATE")
            found = _erase(connection, set(decision_ids))
            connection.execute("COMMIT")
            # The log still holds what was written first.
            (busy, _, _) = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            if busy:
                raise JournalError(f"{path} is being read, so its log still holds what was erased; erase it once more")
        except sqlite3.Error as error:
            raise JournalError(f"{path} cannot be written: {error}") from None
        finally:
            connection.close()
        erased += found
    return erased


def _erase(connection: sqlite3.Connection, ids: Set[str]) -> list[str]:
    erased: list[Place] = []
    for _, found in groupby(places(connection, ids), key=lambda each: each[0].first):
        batch, _ = next(found)
        payloads, emptied = batch.without(ids)
        connection.execute("UPDATE batches SET payloads = ? WHERE first = ?", (payloads, batch.first))
        erased += emptied
    for place in erased:
        connection.execute("DELETE FROM applicants WHERE sequence = ?", (place.sequence,))
        # They hold a hash of the whole request, without a salt.
        connection.execute("DELETE FROM keys WHERE ? >= first AND ? < first + rows", (place.sequence, place.sequence))
        connection.execute(
            "INSERT INTO erasures VALUES (?, ?, ?)", (place.sequence, place.decision_id, now_to_the_millisecond())
        )
    challenges = "UPDATE challenges SET inputs = NULL, salt = NULL WHERE decision_id = ? AND salt IS NOT NULL"
    connection.executemany(challenges, [(name,) for name in ids])
    return [place.decision_id for place in erased if place.decision_id is not None]
