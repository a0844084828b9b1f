"""Appends to the journal: one transaction for a batch, on disk before it returns."""

from __future__ import annotations

import fcntl
import hashlib
import logging
import os
import sqlite3
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from itertools import chain
from pathlib import Path
from typing import Any, Literal

import numpy as np

from scoring.decision import Basis, Decisions
from scoring.journal.reader import read_bases
from scoring.journal.record import (
    DECISION_COLUMNS,
    FLOATS,
    SALT_BYTES,
    DecisionRecord,
    basis_content,
    challenge_members,
    decision_members,
    decision_record,
    payload_digest,
    seal,
)
from scoring.journal.retention import remove_expired
from scoring.journal.schema import (
    NO_PROOF,
    JournalError,
    connect,
    finish_segment,
    identify,
    make_segment,
    reading,
    segment_number,
    segment_path,
    segments,
    sync_folder,
)

_ROWS_OF_AN_INSERT = (64, 16, 4, 1)
"""Each step of a statement lets another thread run, and a row at a time that costs more than the rows themselves."""

logger = logging.getLogger("bentoml.scorebox")

Sync = Literal["full", "normal"]
"""SQLite's `synchronous`: full survives the end of the power, normal that of every process."""


KEY_SECONDS = 24 * 3_600
"""For so long at least an idempotency key is remembered after a restart or a new segment."""


class KeyConflictError(ValueError):
    """An idempotency key comes a second time, with another request."""


class JournalUnavailableError(RuntimeError):
    """The journal cannot take records now, so nothing can be decided; what was decided is safe."""


class KeyTakenError(JournalUnavailableError):
    """Somebody else has answered a request under this key since it was looked for; it can be recalled now."""


@dataclass(frozen=True, slots=True)
class Key:
    """An idempotency key, for one part of a request that was decided in several."""

    name: str
    part: int
    request_sha256: bytes


@dataclass(frozen=True, slots=True)
class Origin:
    """Where consecutive rows of a batch come from: one request, or a part of one."""

    rows: int
    request_id: str
    applicant: str | None = None
    """The caller's name for the applicant."""
    key: Key | None = None


@dataclass(frozen=True, slots=True)
class JournalLimits:
    """When a segment ends, and how long it is kept."""

    sync: Sync = "full"
    segment_bytes: int = 256 << 20
    retention_months: int = 25
    """12 CFR 1002.12(b): 25 months after the applicant was told."""


class Journal:
    """The journal of one process; `open` before the first append.

    Args:
        folder: where its segments are, made if it is missing; one process at a time holds it.
        limits: see there.
    """

    def __init__(self, folder: Path, limits: JournalLimits | None = None) -> None:
        self.folder = folder
        self._limits = limits or JournalLimits()
        self._lock = threading.Lock()
        self._holder: int | None = None
        self._connection: sqlite3.Connection | None = None
        self._path = folder
        self._most_pages = 0
        # By identity: a basis is made once for each model and policy.
        self._bases: dict[int, tuple[Basis, int, bytes]] = {}
        self._next_decision = self._next_challenge = 1
        self._decision_proof = self._challenge_proof = NO_PROOF

    @property
    def last_sequence(self) -> int:
        """The sequence of the newest decision, 0 before the first."""
        return self._next_decision - 1

    def open(self) -> None:
        """Takes the folder and continues after the last record.

        Raises:
            JournalError: another process holds the folder, or it cannot be written.
        """
        if self._connection is not None:
            return
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._holder = os.open(self.folder / "lock", os.O_CREAT | os.O_RDWR, 0o600)
            fcntl.flock(self._holder, fcntl.LOCK_EX | fcntl.LOCK_NB)
            identify(self.folder)
            found = self._tidied()
            self._continue(found[-1] if found else self._new_segment(1))
        except BlockingIOError:
            self._release()
            raise JournalError(f"another process writes to the journal {self.folder}; set SCOREBOX_JOURNAL") from None
        except (OSError, sqlite3.Error) as error:
            self._release()
            raise JournalError(f"the journal {self.folder} cannot be written: {error}; set SCOREBOX_JOURNAL") from None
        except JournalError:
            self._release()
            raise

    def append(
        self, decisions: Decisions, inputs: Sequence[bytes], applications: Sequence[bytes], origins: Sequence[Origin]
    ) -> None:
        """Puts a batch on disk, all of it or nothing.

        Args:
            decisions: of the batch.
            inputs: for each row what the graph read, little-endian float32.
            applications: for each row the applicant's fields as JSON.
            origins: the requests that the rows are of, in order.

        Raises:
            KeyTakenError: see there.
            JournalUnavailableError: the disk is full, or fails.
        """
        with self._lock, self._transaction() as connection:
            number, basis_sha256 = self._basis(connection, decisions.basis)
            first, proof = self._next_decision, self._decision_proof
            salts = os.urandom(SALT_BYTES * len(decisions))
            # Whole columns: a number taken out of an array alone costs as much as dozens of them.
            pds, points = decisions.pd.tolist(), decisions.points.tolist()
            declined = decisions.declined.astype(np.int64).tolist()
            thin = None if decisions.thin is None else decisions.thin.astype(np.int64).tolist()
            rows: list[tuple[Any, ...]] = []
            for index, (origin, name) in enumerate(zip(_spread(origins), decisions.decision_ids, strict=True)):
                salt = salts[index * SALT_BYTES : (index + 1) * SALT_BYTES]
                application = applications[index]
                digest = payload_digest(salt, origin.applicant, application, inputs[index])
                found = decisions.contributions[index]
                members = decision_members(
                    first + index,
                    name,
                    decisions.decided_at,
                    origin.request_id,
                    basis_sha256,
                    pds[index],
                    declined[index],
                    points[index],
                    decisions.bands[index],
                    None if thin is None else thin[index],
                    " ".join([reason["code"] for reason in reasons]) if (reasons := decisions.reasons[index]) else "",
                    None if found is None else found.astype(FLOATS, copy=False).tobytes(),
                    digest,
                )
                proof = seal(proof, *members)
                payload = (origin.applicant, application.decode(), inputs[index], salt)
                rows.append((*members[:4], number, *members[5:12], *payload, digest, proof))
            _insert(connection, "decisions", rows)
            _write_keys(connection, origins, first)
            # Within the transaction this takes no locks of its own.
            (pages,) = connection.execute("PRAGMA page_count").fetchone()
        # Only now: of a batch that was not committed nothing may remain, not even its numbers.
        self._bases[id(decisions.basis)] = (decisions.basis, number, basis_sha256)
        self._next_decision, self._decision_proof = first + len(rows), proof
        if pages >= self._most_pages:
            self._rotate()

    def recall(self, key: Key) -> list[DecisionRecord] | None:
        """The decisions that answered a part of a request under this key; None if there are none.

        Raises:
            KeyConflictError: the key stands for another request.
            JournalUnavailableError: the journal cannot be read.
        """
        if self._connection is None:
            raise JournalUnavailableError("the journal is closed")
        remembered = time.time() - KEY_SECONDS
        try:
            with self._lock:
                if (found := _recalled(self._connection, key)) is not None:
                    return found
            for path in reversed(segments(self.folder)[:-1]):
                if path.stat().st_mtime < remembered:
                    break
                with reading(path) as connection:
                    if (found := _recalled(connection, key)) is not None:
                        return found
        except (sqlite3.Error, JournalError, OSError) as error:
            raise JournalUnavailableError(f"the journal cannot be read now: {error}") from None
        return None

    def append_challenges(
        self,
        basis: Basis,
        decision_ids: Sequence[str],
        pd: Sequence[float],
        declined: Sequence[bool],
        inputs: Sequence[bytes],
    ) -> None:
        """Puts on disk what a challenger made of the applications of decisions.

        Raises:
            JournalUnavailableError: the disk is full, or fails.
        """
        with self._lock, self._transaction() as connection:
            number, basis_sha256 = self._basis(connection, basis)
            first, proof = self._next_challenge, self._challenge_proof
            scored_at = now()
            rows: list[tuple[Any, ...]] = []
            for index, name in enumerate(decision_ids):
                salt = os.urandom(SALT_BYTES)
                digest = payload_digest(salt, None, b"", inputs[index])
                members = challenge_members(
                    first + index, name, scored_at, basis_sha256, float(pd[index]), int(declined[index]), digest
                )
                proof = seal(proof, *members)
                rows.append((*members[:3], number, *members[4:6], inputs[index], salt, digest, proof))
            _insert(connection, "challenges", rows)
        self._bases[id(basis)] = (basis, number, basis_sha256)
        self._next_challenge, self._challenge_proof = first + len(rows), proof

    def close(self) -> None:
        """Lets go of the folder."""
        with self._lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None
            self._release()

    def _release(self) -> None:
        if self._holder is not None:
            os.close(self._holder)
            self._holder = None

    def _transaction(self) -> _Transaction:
        if self._connection is None:
            raise JournalUnavailableError("the journal is closed")
        return _Transaction(self._connection)

    def _basis(self, connection: sqlite3.Connection, basis: Basis) -> tuple[int, bytes]:
        """The number of a basis in this segment, and its hash."""
        known = self._bases.get(id(basis))
        if known is not None:
            return known[1:]
        content = basis_content(basis)
        digest = hashlib.sha256(content).digest()
        connection.execute("INSERT OR IGNORE INTO bases (sha256, content) VALUES (?, ?)", (digest, content.decode()))
        (number,) = connection.execute("SELECT number FROM bases WHERE sha256 = ?", (digest,)).fetchone()
        return number, digest

    def _continue(self, path: Path) -> None:
        """Appends to this segment from now on, after its last records."""
        connection = connect(path, write=True)
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute(f"PRAGMA synchronous = {self._limits.sync.upper()}")
            decision, decision_proof, challenge, challenge_proof = connection.execute(
                "SELECT first_decision, decision_proof, first_challenge, challenge_proof FROM segment"
            ).fetchone()
            last = "SELECT sequence, proof FROM {} ORDER BY sequence DESC LIMIT 1"
            if (row := connection.execute(last.format("decisions")).fetchone()) is not None:
                decision, decision_proof = row[0] + 1, row[1]
            if (row := connection.execute(last.format("challenges")).fetchone()) is not None:
                challenge, challenge_proof = row[0] + 1, row[1]
        except sqlite3.Error:
            connection.close()
            raise
        self._next_decision, self._decision_proof = decision, decision_proof
        self._next_challenge, self._challenge_proof = challenge, challenge_proof
        self._bases = {}
        (page_bytes,) = connection.execute("PRAGMA page_size").fetchone()
        self._most_pages = -(-self._limits.segment_bytes // page_bytes)
        self._connection, self._path = connection, path

    def _new_segment(self, number: int) -> Path:
        return make_segment(
            self.folder,
            number,
            now(),
            self._next_decision,
            self._decision_proof,
            self._next_challenge,
            self._challenge_proof,
        )

    def _rotate(self) -> None:
        """Starts the next segment; a disk that has no room for it only makes this one longer."""
        assert self._connection is not None
        full, number = self._connection, segment_number(self._path) + 1
        try:
            self._continue(self._new_segment(number))
        except (OSError, sqlite3.Error, JournalError) as error:
            # One that stayed would be continued after a restart, though this one has later records.
            segment_path(self.folder, number).unlink(missing_ok=True)
            logger.warning("no new segment in %s: %s", self.folder, error)
            return
        try:
            full.close()
            self._tidied()
        except (OSError, sqlite3.Error, JournalError) as error:
            # The batch is in the journal, whatever becomes of older segments.
            logger.warning("the older segments in %s stay as they are: %s", self.folder, error)

    def _tidied(self) -> list[Path]:
        """The segments, the finished ones without logs beside them, the expired ones gone."""
        remove_expired(self.folder, self._limits.retention_months)
        found = segments(self.folder)
        for path in found[:-1]:
            finish_segment(path)
        sync_folder(self.folder)
        return found


class _Transaction:
    """BEGIN and COMMIT around a block; what fails leaves nothing behind."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def __enter__(self) -> sqlite3.Connection:
        try:
            self._connection.execute("BEGIN IMMEDIATE")
        except sqlite3.Error as error:
            raise JournalUnavailableError(f"the journal takes no records now: {error}") from None
        return self._connection

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        try:
            if error is None:
                self._connection.execute("COMMIT")
                return
        except sqlite3.Error as failure:
            self._roll_back()
            raise JournalUnavailableError(f"the journal takes no records now: {failure}") from None
        self._roll_back()
        if isinstance(error, sqlite3.Error):
            raise JournalUnavailableError(f"the journal takes no records now: {error}") from None

    def _roll_back(self) -> None:
        if self._connection.in_transaction:
            self._connection.execute("ROLLBACK")


def now() -> str:
    """UTC, ISO 8601, to the millisecond."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def rows_of(values: np.ndarray[Any, np.dtype[np.float32]]) -> list[bytes]:
    """Each row of [rows, columns] float32 as the journal keeps it."""
    width = values.shape[1] * FLOATS.itemsize
    content = np.ascontiguousarray(values, dtype=FLOATS).tobytes()
    return [content[start : start + width] for start in range(0, len(content), width)] if width else [b""] * len(values)


def _spread(origins: Sequence[Origin]) -> Iterator[Origin]:
    for origin in origins:
        for _ in range(origin.rows):
            yield origin


def _insert(connection: sqlite3.Connection, table: str, rows: Sequence[tuple[Any, ...]]) -> None:
    start = 0
    for size in _ROWS_OF_AN_INSERT:
        while len(rows) - start >= size:
            chunk = rows[start : start + size]
            connection.execute(_insert_query(table, len(chunk[0]), size), list(chain.from_iterable(chunk)))
            start += size


@cache
def _insert_query(table: str, columns: int, rows: int) -> str:
    row = f"({', '.join('?' * columns)})"
    return f"INSERT INTO {table} VALUES {', '.join([row] * rows)}"  # noqa: S608  # own words only


def _write_keys(connection: sqlite3.Connection, origins: Sequence[Origin], first: int) -> None:
    for origin in origins:
        if (key := origin.key) is not None:
            row = (key.name, key.part, key.request_sha256, first, origin.rows)
            try:
                connection.execute("INSERT INTO keys VALUES (?, ?, ?, ?, ?)", row)
            except sqlite3.IntegrityError:
                raise KeyTakenError("an idempotency key has been answered meanwhile") from None
        first += origin.rows


def _recalled(connection: sqlite3.Connection, key: Key) -> list[DecisionRecord] | None:
    row = connection.execute(
        "SELECT request_sha256, first, rows FROM keys WHERE key = ? AND part = ?", (key.name, key.part)
    ).fetchone()
    if row is None:
        return None
    request_sha256, first, rows = row
    if request_sha256 != key.request_sha256:
        raise KeyConflictError(key.name)
    query = f"SELECT {DECISION_COLUMNS} FROM decisions WHERE sequence >= ? AND sequence < ? ORDER BY sequence"  # noqa: S608  # own words only
    bases = read_bases(connection)
    return [decision_record(found, bases) for found in connection.execute(query, (first, first + rows))]
