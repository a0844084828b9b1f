"""Erase what applicants sent from the journal; the decisions stay, and stay provable.

An erasure notes its decisions in a file before it begins, and removes the file when nothing of them is left in any
file of the journal. So whoever erases next finishes what was killed or stopped in between.
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
from collections.abc import Iterable, Iterator, Set
from contextlib import contextmanager
from itertools import groupby
from pathlib import Path

from scoring.files import sync_folder, write_atomically
from scoring.journal.batch import Place
from scoring.journal.lookup import places
from scoring.journal.schema import JournalError, connect, segments
from scoring.moment import now_to_the_millisecond

_BEGUN = "erasing"


def begun(folder: Path) -> list[str]:
    """Return the ids of an erasure that has begun and not ended; none if there is none.

    Raises:
        JournalError: the file with them cannot be read.
    """
    try:
        return (folder / _BEGUN).read_text().split()
    except FileNotFoundError:
        return []
    except (OSError, UnicodeDecodeError) as error:
        raise JournalError(f"{folder / _BEGUN} cannot be read: {error}") from None


def erase(folder: Path, decision_ids: Iterable[str]) -> list[str]:
    """Empty the payload of decisions, and of what challengers read for them, on disk too; finish an earlier erasure.

    Idempotency keys of their requests go as well. A service may be writing: it waits until a segment is done.

    Returns:
        The ids of those that had a payload.

    Raises:
        JournalError: there is no journal, a segment cannot be written, or its log cannot be emptied while it is read.
    """
    if not segments(folder):
        raise JournalError(f"there is no journal in {folder}")
    erased: list[str] = []
    read: list[str] = []
    try:
        with _alone(folder):
            ids = {*decision_ids, *begun(folder)}
            write_atomically(folder / _BEGUN, "".join(f"{name}\n" for name in sorted(ids)), private=True)
            done: set[Path] = set()
            # A segment begun meanwhile may hold what a challenger made of them.
            while left := [path for path in segments(folder) if path not in done]:
                for path in left:
                    found, emptied = _erase_in(path, ids)
                    erased += found
                    read += [] if emptied else [path.name]
                done.update(left)
            if not read:
                (folder / _BEGUN).unlink()
                sync_folder(folder)
    except OSError as error:
        raise JournalError(f"the journal {folder} cannot be written: {error.strerror}") from None
    if read:
        raise JournalError(
            f"the decisions are erased, but {', '.join(read)} of {folder} is being read, so its log still holds the "
            "fields: give the same command again when nobody reads it any more"
        )
    return erased


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Wait until no other erasure runs."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _erase_in(path: Path, ids: Set[str]) -> tuple[list[str], bool]:
    """Erase in one segment; return the ids of decisions that had a payload, and whether its log is empty."""
    connection = connect(path, write=True)
    try:
        connection.execute("BEGIN IMMEDIATE")
        found = _erase(connection, ids)
        connection.execute("COMMIT")
        # The log still holds what was written first.
        (busy, _, _) = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    except sqlite3.Error as error:
        raise JournalError(f"{path} cannot be written: {error}") from None
    finally:
        connection.close()
    return found, not busy


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
