"""Takes what applicants sent out of the journal; that and how they were decided stays, and stays provable."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from pathlib import Path

from scoring.journal.record import now
from scoring.journal.schema import JournalError, connect, segments


def erase(folder: Path, decision_ids: Sequence[str]) -> list[str]:
    """Empties the payload of decisions, and of what challengers read for them, on disk too.

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
            found = [name for name in decision_ids if _erase_decision(connection, name)]
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


def _erase_decision(connection: sqlite3.Connection, name: str) -> bool:
    changed = connection.execute(
        "UPDATE decisions SET applicant = NULL, application = NULL, inputs = NULL, salt = NULL "
        "WHERE decision_id = ? AND salt IS NOT NULL",
        (name,),
    ).rowcount
    challenges = "UPDATE challenges SET inputs = NULL, salt = NULL WHERE decision_id = ? AND salt IS NOT NULL"
    connection.execute(challenges, (name,))
    if changed:
        # They hold a hash of the whole request, without a salt.
        connection.execute(
            "DELETE FROM keys WHERE EXISTS (SELECT 1 FROM decisions WHERE decision_id = ? "
            "AND sequence >= keys.first AND sequence < keys.first + keys.rows)",
            (name,),
        )
        connection.execute(
            "INSERT INTO erasures (sequence, decision_id, erased_at) "
            "SELECT sequence, decision_id, ? FROM decisions WHERE decision_id = ?",
            (now(), name),
        )
    return bool(changed)
