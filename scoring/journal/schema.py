"""A segment: one SQLite file of the journal, and how it is made, found and opened."""

from __future__ import annotations

import os
import re
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import UUID, uuid4

from scoring.expected import ExpectedError
from scoring.files import sync_folder, write_atomically
from scoring.journal.read_only import UnlockedConnection, connect_unlocked, is_read_only, wants_to_write

FORMAT = 2
"""The format of the tables below; a segment of another one is refused."""
NO_PROOF = bytes(32)
"""The proof before the first one of a journal."""

_ID = "id"
WAIT_SECONDS = 5.0
"""How long one process waits until another has done with a segment."""

_HALF_DONE = {sqlite3.SQLITE_READONLY_ROLLBACK, sqlite3.SQLITE_READONLY_RECOVERY}
_ANOTHER_FILE = {sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_ERROR}
"""No database, or one without these tables."""

_NAME = re.compile(r"segment-(\d{6})\.sqlite")

TABLES = (
    # One row. The proofs are the last ones of the segment before.
    """CREATE TABLE segment (
        format INTEGER NOT NULL, number INTEGER NOT NULL, created_at TEXT NOT NULL,
        first_decision INTEGER NOT NULL, decision_proof BLOB NOT NULL,
        first_challenge INTEGER NOT NULL, challenge_proof BLOB NOT NULL
    )""",
    # A `Basis` as JSON: what many records have in common.
    "CREATE TABLE bases (number INTEGER PRIMARY KEY, sha256 BLOB NOT NULL UNIQUE, content TEXT NOT NULL)",
    # Of each batch its decisions, one after the other: proofs of 32 bytes, and a line of JSON each in records and in
    # payloads, whose line an erasure empties. An id carries the moment of its batch.
    """CREATE TABLE batches (
        first INTEGER PRIMARY KEY, last INTEGER NOT NULL, decided_at TEXT NOT NULL,
        basis INTEGER NOT NULL REFERENCES bases (number),
        proofs BLOB NOT NULL, records TEXT NOT NULL, payloads TEXT NOT NULL
    ) STRICT""",
    "CREATE INDEX moments ON batches (decided_at)",
    # Where an applicant's decisions stand that have not been erased.
    "CREATE TABLE applicants (applicant TEXT NOT NULL, sequence INTEGER NOT NULL, PRIMARY KEY (applicant, sequence)) "
    "WITHOUT ROWID",
    # For people with an SQLite shell.
    """CREATE VIEW decisions AS SELECT
        line.value ->> 0 AS sequence, line.value ->> 1 AS decision_id, batches.decided_at,
        line.value ->> 2 AS request_id, bases.content ->> 'model' AS model, bases.content ->> 'policy' AS policy,
        line.value ->> 3 AS pd, line.value ->> 4 AS declined, line.value ->> 5 AS points, line.value ->> 6 AS band,
        line.value ->> 7 AS thin, line.value ->> 8 AS reasons
    FROM batches JOIN bases ON bases.number = batches.basis,
        json_each('[' || replace(batches.records, char(10), ',') || ']') AS line""",
    # What a challenger makes of the application of a decision.
    """CREATE TABLE challenges (
        sequence INTEGER PRIMARY KEY, decision_id TEXT NOT NULL, scored_at TEXT NOT NULL,
        basis INTEGER NOT NULL REFERENCES bases (number), pd REAL NOT NULL, declined INTEGER NOT NULL,
        inputs BLOB, salt BLOB, payload_sha256 BLOB NOT NULL, proof BLOB NOT NULL
    )""",
    "CREATE INDEX challenged ON challenges (decision_id)",
    # Idempotency keys: which records answered which request.
    """CREATE TABLE keys (
        key TEXT NOT NULL, part INTEGER NOT NULL, request_sha256 BLOB NOT NULL,
        first INTEGER NOT NULL, rows INTEGER NOT NULL, PRIMARY KEY (key, part)
    ) WITHOUT ROWID""",
    """CREATE TABLE erasures (
        sequence INTEGER PRIMARY KEY, decision_id TEXT NOT NULL UNIQUE, erased_at TEXT NOT NULL
    )""",
)


class JournalError(ExpectedError):
    """A journal cannot be used; the message says why and what to do."""


def segments(folder: Path) -> list[Path]:
    """Return the segments of a journal, oldest first.

    Raises:
        JournalError: the folder cannot be listed.
    """
    try:
        return sorted(path for path in folder.iterdir() if _NAME.fullmatch(path.name))
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        raise JournalError(f"the journal {folder} cannot be read: {error.strerror}") from None


def segment_number(path: Path) -> int:
    """Return the number in a segment's name."""
    match = _NAME.fullmatch(path.name)
    assert match
    return int(match[1])


def segment_path(folder: Path, number: int) -> Path:
    """Return where the segment of that number is."""
    return folder / f"segment-{number:06}.sqlite"


def make_segment(
    folder: Path,
    number: int,
    created_at: str,
    first_decision: int,
    proof: bytes,
    first_challenge: int,
    challenge: bytes,
) -> Path:
    """Return an empty segment, readable by its owner only; whole, or not there."""
    path = segment_path(folder, number)
    new = folder / f".{path.name}"
    new.unlink(missing_ok=True)
    os.close(os.open(new, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    connection = sqlite3.connect(new, isolation_level=None)
    try:
        # While it is not there yet: a process killed between two modes leaves what readers cannot undo.
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("BEGIN")
        for table in TABLES:
            connection.execute(table)
        row = (FORMAT, number, created_at, first_decision, proof, first_challenge, challenge)
        connection.execute("INSERT INTO segment VALUES (?, ?, ?, ?, ?, ?, ?)", row)
        connection.execute("COMMIT")
    finally:
        connection.close()
    new.replace(path)
    sync_folder(folder)
    return path


def journal_id(folder: Path) -> str:
    """Return the UUID that tells a journal from every other; sequences count within it.

    Raises:
        JournalError: the journal has none, since no service has opened it yet, or the file is no UUID.
    """
    path = folder / _ID
    try:
        return str(UUID(path.read_text().strip()))
    except FileNotFoundError:
        raise JournalError(f"the journal {folder} has no id yet: a service that opens it makes one") from None
    except ValueError:
        raise JournalError(f"{path} does not hold a UUID") from None


def identify(folder: Path) -> None:
    """Give a journal its id, once; only who holds the folder's lock may."""
    if not (folder / _ID).exists():
        write_atomically(folder / _ID, f"{uuid4()}\n")


def connect(path: Path, *, write: bool) -> sqlite3.Connection:
    """Return a connection to a segment of this format; SQLite itself keeps threads apart.

    What a killed process left half done is undone first, also for one that only reads; on read-only media in a copy.

    Raises:
        JournalError: it cannot be opened, or is not a segment of this format.
    """
    address = f"{path.resolve().as_uri()}?mode={'rw' if write else 'ro'}"
    try:
        connection = sqlite3.connect(
            address, uri=True, isolation_level=None, check_same_thread=False, timeout=WAIT_SECONDS
        )
        return _checked(connection, path)
    except sqlite3.Error as error:
        if not write and wants_to_write(error):
            if is_read_only(path):
                return _connect_unlocked(path)
            if error.sqlite_errorcode in _HALF_DONE:
                connect(path, write=True).close()
                return connect(path, write=False)
        raise JournalError(_fault(path, error, write=write)) from None


def _connect_unlocked(path: Path) -> sqlite3.Connection:
    try:
        return _checked(connect_unlocked(path), path)
    except (sqlite3.Error, OSError) as error:
        raise JournalError(_fault(path, error, write=False)) from None


def _checked(connection: sqlite3.Connection, path: Path) -> sqlite3.Connection:
    """Return the connection if it leads to a segment of this format; else close it.

    Raises:
        sqlite3.Error: it cannot be read.
        JournalError: it is something else.
    """
    try:
        # What is deleted or moved is overwritten, not only marked as free: an erasure must not leave an older copy.
        connection.execute("PRAGMA secure_delete = ON")
        row = connection.execute("SELECT format FROM segment").fetchone()
        if row is None:
            raise JournalError(f"{path} is not a segment of a journal: it has no format")
        if row[0] != FORMAT:
            raise JournalError(f"{path} is of format {row[0]}, and this version reads format {FORMAT}")
    except (sqlite3.Error, JournalError):
        connection.close()
        raise
    return connection


def _fault(path: Path, error: sqlite3.Error | OSError, *, write: bool) -> str:
    """Return why a segment cannot be opened, in one line."""
    if getattr(error, "sqlite_errorcode", None) in _ANOTHER_FILE:
        return f"{path} is not a segment of a journal: {error}"
    if isinstance(error, OSError):
        return f"{path} cannot be read: {error.strerror or error}"
    try:
        # SQLite says of every file that it cannot open only that it cannot.
        path.open("r+b" if write else "rb").close()
    except OSError as reason:
        return f"{path} cannot be {'written' if write else 'read'}: {reason.strerror}"
    if wants_to_write(error) and is_read_only(path):
        return f"{path} cannot be {'written' if write else 'read'}: its folder is read-only"
    return f"{path} cannot be opened: {error}"


def finish_segment(path: Path) -> None:
    """Make a segment that nobody appends to one plain file, unless it is being read just now."""
    with path.open("rb") as file:
        # Bytes 18 and 19 of a database say whether it has a log, https://www.sqlite.org/fileformat.html.
        if file.read(20)[18:] != b"\2\2":
            return
    connection = connect(path, write=True)
    try:
        connection.execute("PRAGMA busy_timeout = 0")
        connection.execute("PRAGMA journal_mode = DELETE")
    except sqlite3.OperationalError:
        pass  # A reader holds it, and the next segment's start tries again.
    finally:
        connection.close()


@contextmanager
def reading(path: Path) -> Iterator[sqlite3.Connection]:
    """Yield a connection that only reads, for the length of the block.

    Raises:
        JournalError: see `connect`; or the segment is damaged, or was written to where nobody can lock it.
    """
    connection = connect(path, write=False)
    try:
        yield connection
        if isinstance(connection, UnlockedConnection) and connection.source_changed:
            raise JournalError(f"{path} was written to while it was read: in a read-only folder nothing can be locked")
    except sqlite3.Error as error:
        raise JournalError(f"{path} cannot be read: {error}") from None
    finally:
        connection.close()
