"""Append to the journal: one transaction for a batch, on disk before it returns."""

from __future__ import annotations

import fcntl
import hashlib
import logging
import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

from scoring.decision import Basis, Decisions
from scoring.files import sync_folder
from scoring.journal.batch import pack
from scoring.journal.limits import JournalLimits
from scoring.journal.lookup import erased_among
from scoring.journal.names import KEY_SECONDS, kept_rows, recalled, write_names
from scoring.journal.origin import Key, RequestOrigin
from scoring.journal.record import (
    PROOF_BYTES,
    SALT_BYTES,
    DecisionRecord,
    basis_content,
    challenge_content,
    payload_of,
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
)
from scoring.journal.transaction import JournalUnavailableError, Transaction, insert
from scoring.moment import moments_of, now_to_the_millisecond

logger = logging.getLogger("bentoml.scorebox")

Found = TypeVar("Found")

_SIZE_CHECKS = 64
"""How often the size of a segment is checked while it grows."""


class Journal:
    """The journal of one process; `open` before the first append.

    Args:
        folder: where its segments are, made if it is missing; one process at a time holds it.
        limits: size, age and durability of segments; defaults if not given.
    """

    def __init__(self, folder: Path, limits: JournalLimits | None = None) -> None:
        self.folder = folder
        self._limits = limits or JournalLimits()
        self._lock = threading.Lock()
        self._holder: int | None = None
        self._connection: sqlite3.Connection | None = None
        self._path = folder
        self._begun = ""
        self._most_pages = 0
        self._grown = 0
        # By identity: a basis is made once for each model and policy.
        self._bases: dict[int, tuple[Basis, int, bytes]] = {}
        self._next_decision = self._next_challenge = 1
        self._decision_proof = self._challenge_proof = NO_PROOF

    @property
    def last_sequence(self) -> int:
        """The sequence of the newest decision, 0 before the first."""
        return self._next_decision - 1

    def open(self) -> None:
        """Take the folder and continue after the last record.

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
        self,
        decisions: Decisions,
        inputs: Sequence[bytes],
        applications: Sequence[bytes],
        request_origins: Sequence[RequestOrigin],
    ) -> None:
        """Write a batch to disk, all of it or nothing.

        Args:
            decisions: of the batch.
            inputs: for each row what the graph read, little-endian float32.
            applications: for each row the values of the basis's fields as a JSON list, null where one is missing.
            request_origins: the requests that the rows are of, in order.

        Raises:
            KeyTakenError: decisions were made under one of the keys meanwhile.
            JournalUnavailableError: the disk is full, or fails.
        """
        with self._lock:
            known = id(decisions.basis) in self._bases
            named = any(origin.applicant is not None or origin.key is not None for origin in request_origins)
            # A lone statement is a transaction too, and each further one lets other threads run before the batch is
            # on disk.
            with self._transaction(begin=named or not known) as connection:
                basis = self._basis(connection, decisions.basis)
                first = self._next_decision
                batch = pack(decisions, basis, first, self._decision_proof, inputs, applications, request_origins)
                connection.execute("INSERT INTO batches VALUES (?, ?, ?, ?, ?, ?, ?)", batch.row)
                if named:
                    write_names(connection, request_origins, first)
            # Only now: of a batch that was not committed nothing may remain, not even its numbers.
            self._bases[id(decisions.basis)] = (decisions.basis, *basis)
            self._next_decision, self._decision_proof = batch.last + 1, batch.proofs[-PROOF_BYTES:]
            self._grown += len(batch.records) + len(batch.payloads)
            if self._grown >= self._limits.segment_bytes // _SIZE_CHECKS:
                self._rotate_if_full()

    def recall(self, key: Key) -> list[DecisionRecord] | None:
        """Return the decisions that answered a part of a request under this key; None if there are none.

        Raises:
            KeyConflictError: the key stands for another request.
            JournalUnavailableError: the journal cannot be read.
        """
        looked_up = self._looked_up(lambda connection: recalled(connection, key))
        return next((found for found in looked_up if found is not None), None)

    def kept_rows(self, key: str) -> int:
        """Return how many rows of a request are decided under this key.

        Raises:
            JournalUnavailableError: the journal cannot be read.
        """
        return sum(self._looked_up(lambda connection: kept_rows(connection, key)))

    def append_challenges(
        self,
        basis: Basis,
        decision_ids: Sequence[str],
        pd: Sequence[float],
        declined: Sequence[bool],
        inputs: Sequence[bytes],
    ) -> None:
        """Put on disk what a challenger made of the applications of decisions; without inputs, of one erased meanwhile.

        Raises:
            JournalUnavailableError: the disk is full, or fails.
        """
        with self._lock, self._transaction() as connection:
            number, basis_sha256 = self._basis(connection, basis)
            first, proof = self._next_challenge, self._challenge_proof
            scored_at = now_to_the_millisecond()
            rows: list[tuple[Any, ...]] = []
            # In this transaction: an erasure comes to this segment last, and empties what it finds here by then.
            erased = self._erased(connection, decision_ids)
            for index, name in enumerate(decision_ids):
                salt = os.urandom(SALT_BYTES)
                digest = hashlib.sha256(payload_of(salt, inputs[index], None)).digest()
                pds, outcome = float(pd[index]), int(declined[index])
                content = challenge_content(first + index, name, scored_at, basis_sha256, pds, outcome, digest)
                proof = seal(proof, content)
                payload = (None, None) if name in erased else (inputs[index], salt)
                rows.append((first + index, name, scored_at, number, pds, outcome, *payload, digest, proof))
            insert(connection, "challenges", rows)
        self._bases[id(basis)] = (basis, number, basis_sha256)
        self._next_challenge, self._challenge_proof = first + len(rows), proof

    def close(self) -> None:
        """Release the folder."""
        with self._lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None
            self._release()

    def _release(self) -> None:
        if self._holder is not None:
            os.close(self._holder)
            self._holder = None

    def _looked_up(self, look_up: Callable[[sqlite3.Connection], Found]) -> Iterator[Found]:
        """Yield what is found in each segment in which keys are remembered, the newest first.

        Raises:
            JournalUnavailableError: the journal cannot be read.
        """
        if self._connection is None:
            raise JournalUnavailableError("the journal is closed")
        remembered = time.time() - KEY_SECONDS
        try:
            with self._lock:
                newest = look_up(self._connection)
            yield newest
            for path in reversed(segments(self.folder)[:-1]):
                if path.stat().st_mtime < remembered:
                    break
                with reading(path) as connection:
                    yield look_up(connection)
        except (sqlite3.Error, JournalError, OSError) as error:
            raise JournalUnavailableError(f"the journal cannot be read now: {error}") from None

    def _erased(self, connection: sqlite3.Connection, decision_ids: Sequence[str]) -> set[str]:
        """Return those of these decisions, made in this segment or one before, that an erasure has emptied.

        Raises:
            JournalUnavailableError: an older segment cannot be read.
        """
        erased = erased_among(connection, decision_ids)
        oldest = min(moments_of(decision_ids), default="")
        begun = self._begun
        try:
            for path in reversed(segments(self.folder)[:-1]):
                if begun <= oldest:
                    break
                with reading(path) as older:
                    erased |= erased_among(older, decision_ids)
                    (begun,) = older.execute("SELECT created_at FROM segment").fetchone()
        except (JournalError, OSError) as error:
            raise JournalUnavailableError(f"the journal cannot be read now: {error}") from None
        return erased

    def _transaction(self, *, begin: bool = True) -> Transaction:
        if self._connection is None:
            raise JournalUnavailableError("the journal is closed")
        return Transaction(self._connection, begin=begin)

    def _basis(self, connection: sqlite3.Connection, basis: Basis) -> tuple[int, bytes]:
        """Return the number of a basis in this segment, and its hash."""
        known = self._bases.get(id(basis))
        if known is not None:
            return known[1:]
        content = basis_content(basis)
        digest = hashlib.sha256(content).digest()
        connection.execute("INSERT OR IGNORE INTO bases (sha256, content) VALUES (?, ?)", (digest, content.decode()))
        (number,) = connection.execute("SELECT number FROM bases WHERE sha256 = ?", (digest,)).fetchone()
        return number, digest

    def _continue(self, path: Path) -> None:
        """Append to this segment from now on, after its last records."""
        connection = connect(path, write=True)
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute(f"PRAGMA synchronous = {self._limits.sync.upper()}")
            decision, decision_proof, challenge, challenge_proof, begun = connection.execute(
                "SELECT first_decision, decision_proof, first_challenge, challenge_proof, created_at FROM segment"
            ).fetchone()
            last = f"SELECT last, substr(proofs, -{PROOF_BYTES}) FROM batches ORDER BY first DESC LIMIT 1"  # noqa: S608  # own words only
            if (row := connection.execute(last).fetchone()) is not None:
                decision, decision_proof = row[0] + 1, row[1]
            last = "SELECT sequence, proof FROM challenges ORDER BY sequence DESC LIMIT 1"
            if (row := connection.execute(last).fetchone()) is not None:
                challenge, challenge_proof = row[0] + 1, row[1]
        except sqlite3.Error:
            connection.close()
            raise
        self._next_decision, self._decision_proof = decision, decision_proof
        self._next_challenge, self._challenge_proof = challenge, challenge_proof
        self._bases, self._begun = {}, begun
        (page_bytes,) = connection.execute("PRAGMA page_size").fetchone()
        self._most_pages = -(-self._limits.segment_bytes // page_bytes)
        self._connection, self._path = connection, path
        # Its size has not been checked yet.
        self._grown = self._limits.segment_bytes

    def _new_segment(self, number: int) -> Path:
        return make_segment(
            self.folder,
            number,
            now_to_the_millisecond(),
            self._next_decision,
            self._decision_proof,
            self._next_challenge,
            self._challenge_proof,
        )

    def _rotate_if_full(self) -> None:
        """Start the next segment; a disk that has no room for it only makes this one longer."""
        assert self._connection is not None
        self._grown = 0
        (pages,) = self._connection.execute("PRAGMA page_count").fetchone()
        if pages < self._most_pages:
            return
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
        """Return the segments, the finished ones without logs next to them, the expired ones gone."""
        remove_expired(self.folder, self._limits.retention_months)
        found = segments(self.folder)
        for path in found[:-1]:
            finish_segment(path)
        sync_folder(self.folder)
        return found
