"""Keep matured outcomes next to the journal: whether an applicant whom a decision is of has defaulted.

Whatever comes in is kept. The first label of a decision stands; another one is a conflict, one of a decision that
the journal does not have waits for it, and one from before its decision is set aside, each in a table of its own.
"""

from __future__ import annotations

import os
import sqlite3
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Literal, TypeAlias, get_args

import orjson

from scoring.files import sync_folder
from scoring.journal.read_only import connect_unlocked, is_read_only, wants_to_write
from scoring.journal.reader import JournalReader
from scoring.journal.schema import JournalError
from scoring.journal.transaction import JournalUnavailableError
from scoring.moment import now_to_the_millisecond

FILE = "outcomes.sqlite"
GRACE = timedelta(days=1)
"""So far the day of one place may be from that of another at the same time."""
FORMAT = 1
"""The format of the tables below; a file of another one is refused."""
BUSY_SECONDS = 10.0
"""How long one process waits for another that writes."""

OutcomeStatus: TypeAlias = Literal["recorded", "repeated", "conflicting", "unknown", "early"]
"""The status of an outcome: it is recorded; it repeats what is recorded, and nothing changes; another label is
recorded and stays; the journal has no such decision, yet; or it was observed more than `GRACE` before its decision was
made."""
OUTCOME_STATUSES: tuple[OutcomeStatus, ...] = get_args(OutcomeStatus)

_TABLES: dict[OutcomeStatus, str] = {
    "recorded": "outcomes",
    "conflicting": "conflicts",
    "unknown": "unknown",
    "early": "early",
}
_COLUMNS = "decision_id, defaulted, observed_on, source, recorded_at"


@dataclass(frozen=True, slots=True)
class Outcome:
    """A label that has matured."""

    decision_id: str
    defaulted: int
    """1 for a default, else 0."""
    observed_on: str
    """The date on which the label matured, ISO 8601."""
    source: str
    """Where it came from: a file's name, a request's id."""


@dataclass(frozen=True, slots=True)
class KeptOutcome:
    """An outcome as it stands in a table."""

    outcome: Outcome
    recorded_at: str
    """UTC, ISO 8601."""


class Outcomes:
    """The outcomes of the decisions of a journal; several processes may record at a time.

    On read-only media they are read as they stand there.

    Args:
        folder: of the journal.

    Raises:
        JournalError: there is no journal, or its outcomes cannot be opened.
    """

    def __init__(self, folder: Path) -> None:
        self._reader = JournalReader(folder)
        self._path = folder / FILE
        try:
            if not self._path.exists() and not is_read_only(self._path):
                _make(self._path)
            with self._readable() as connection:
                (found,) = connection.execute("SELECT format FROM store").fetchone()
        except (OSError, sqlite3.Error, TypeError) as error:
            raise JournalError(f"{self._path} cannot be used as a store of outcomes: {error}") from None
        if found != FORMAT:
            raise JournalError(f"{self._path} is of format {found}, and this version reads format {FORMAT}")

    def record(self, outcomes: Sequence[Outcome]) -> list[OutcomeStatus]:
        """Record outcomes, all of them or none, and return the status of each.

        What waited for one of these decisions is settled before it, so the label that came first stands.

        Raises:
            JournalUnavailableError: the disk is full, or fails.
            JournalError: a segment of the journal cannot be read.
        """
        decided = self._reader.known([item.decision_id for item in outcomes])
        with self._transaction() as connection:
            _adopt(connection, decided)
            taken = now_to_the_millisecond()
            return _settle(connection, [KeptOutcome(item, taken) for item in outcomes], decided)

    def adopt(self) -> Counter[OutcomeStatus]:
        """Settle outcomes that waited for decisions that the journal has by now, and count them by status.

        On read-only media they go on waiting.

        Raises:
            JournalUnavailableError: the disk is full, or fails.
            JournalError: a segment of the journal cannot be read.
        """
        if is_read_only(self._path):
            return Counter()
        decided = self._reader.known([kept.outcome.decision_id for kept in self.kept("unknown")])
        if not decided:
            return Counter()
        with self._transaction() as connection:
            return Counter(_adopt(connection, decided))

    def labels(self) -> dict[str, int]:
        """Return the label in force of each decision that has one."""
        with self._reading() as connection:
            return dict(connection.execute("SELECT decision_id, defaulted FROM outcomes").fetchall())

    def kept(self, status: OutcomeStatus) -> list[KeptOutcome]:
        """Return the outcomes in the table of this status, in the order in which they came; none that is repeated."""
        if status not in _TABLES:
            return []
        query = f"SELECT {_COLUMNS} FROM {_TABLES[status]} ORDER BY sequence"  # noqa: S608  # own words only
        with self._reading() as connection:
            return [KeptOutcome(Outcome(*row[:-1]), row[-1]) for row in connection.execute(query)]

    def counts(self) -> dict[OutcomeStatus, int]:
        """Return how many outcomes stand in each table."""
        with self._reading() as connection:
            return {
                status: connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]  # noqa: S608  # own words only
                for status, table in _TABLES.items()
            }

    @contextmanager
    def _connected(self) -> Iterator[sqlite3.Connection]:
        connection = _connect(self._path)
        try:
            connection.execute("PRAGMA synchronous = FULL")
            yield connection
        finally:
            connection.close()

    @contextmanager
    def _readable(self) -> Iterator[sqlite3.Connection]:
        """Yield a connection that reads, also where nothing can be written next to the store."""
        if not self._path.exists():
            connection = sqlite3.connect(":memory:", isolation_level=None)
            _make_tables(connection)
        else:
            connection = self._opened()
        try:
            yield connection
        finally:
            connection.close()

    def _opened(self) -> sqlite3.Connection:
        # What a killed process left half done is undone first, and that is to write.
        connection = _connect(self._path)
        try:
            connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
        except sqlite3.Error as error:
            connection.close()
            if not (wants_to_write(error) and is_read_only(self._path)):
                raise
            return connect_unlocked(self._path)
        return connection

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        try:
            with self._readable() as connection:
                yield connection
        except (sqlite3.Error, OSError) as error:
            raise JournalError(f"{self._path} cannot be read: {error}") from None

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        try:
            # What is not committed when the connection closes is undone.
            with self._connected() as connection:
                connection.execute("BEGIN IMMEDIATE")
                yield connection
                connection.execute("COMMIT")
        except sqlite3.Error as error:
            raise JournalUnavailableError(f"{self._path} takes no outcomes now: {error}") from None


def _connect(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"{path.resolve().as_uri()}?mode=rw", uri=True, isolation_level=None, timeout=BUSY_SECONDS)


def _make(path: Path) -> None:
    """Make an empty store, readable by its owner only, as a whole; another process may have made it meanwhile."""
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{FILE}.")
    os.close(descriptor)
    new = Path(name)
    try:
        connection = sqlite3.connect(new, isolation_level=None)
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("BEGIN")
            _make_tables(connection)
            connection.execute("COMMIT")
        finally:
            connection.close()
        try:
            path.hardlink_to(new)
        except FileExistsError:
            return
        sync_folder(path.parent)
    finally:
        new.unlink()


def _make_tables(connection: sqlite3.Connection) -> None:
    connection.execute("CREATE TABLE store (format INTEGER NOT NULL)")
    connection.execute("INSERT INTO store VALUES (?)", (FORMAT,))
    # A file that is taken in a second time adds nothing to the tables next to the outcomes either.
    for table in _TABLES.values():
        unique = "decision_id" if table == "outcomes" else "decision_id, defaulted, observed_on, source"
        connection.execute(
            f"CREATE TABLE {table} (sequence INTEGER PRIMARY KEY, decision_id TEXT NOT NULL, "
            "defaulted INTEGER NOT NULL CHECK (defaulted IN (0, 1)), observed_on TEXT NOT NULL, "
            f"source TEXT NOT NULL, recorded_at TEXT NOT NULL, UNIQUE ({unique}))"
        )


def _adopt(connection: sqlite3.Connection, decided: Mapping[str, str]) -> list[OutcomeStatus]:
    """Settle the outcomes that waited for decisions that are known now."""
    those = "decision_id IN (SELECT value FROM json_each(?))"
    names = orjson.dumps(list(decided)).decode()
    rows = connection.execute(
        f"SELECT {_COLUMNS} FROM unknown WHERE {those} ORDER BY sequence",  # noqa: S608  # own words only
        (names,),
    ).fetchall()
    if not rows:
        return []
    statuses = _settle(connection, [KeptOutcome(Outcome(*row[:-1]), row[-1]) for row in rows], decided)
    connection.execute(f"DELETE FROM unknown WHERE {those}", (names,))  # noqa: S608  # own words only
    return statuses


def _settle(
    connection: sqlite3.Connection, outcomes: Sequence[KeptOutcome], decided: Mapping[str, str]
) -> list[OutcomeStatus]:
    """Put each outcome into the table of its status, and return the statuses.

    Args:
        connection: in a transaction.
        outcomes: in the order in which they came.
        decided: when each decision that the journal has was made.
    """
    names = orjson.dumps([kept.outcome.decision_id for kept in outcomes]).decode()
    query = "SELECT decision_id, defaulted FROM outcomes WHERE decision_id IN (SELECT value FROM json_each(?))"
    labels: dict[str, int] = dict(connection.execute(query, (names,)).fetchall())
    statuses: list[OutcomeStatus] = []
    rows: dict[OutcomeStatus, list[tuple[str | int, ...]]] = {status: [] for status in _TABLES}
    for kept in outcomes:
        item = kept.outcome
        status = _status(item, labels.get(item.decision_id), decided.get(item.decision_id))
        if status == "recorded":
            labels[item.decision_id] = item.defaulted
        if status in rows:
            rows[status].append((item.decision_id, item.defaulted, item.observed_on, item.source, kept.recorded_at))
        statuses.append(status)
    for status, taken in rows.items():
        connection.executemany(
            f"INSERT OR IGNORE INTO {_TABLES[status]} ({_COLUMNS}) VALUES (?, ?, ?, ?, ?)",  # noqa: S608  # own words
            taken,
        )
    return statuses


def _status(outcome: Outcome, label: int | None, decided_at: str | None) -> OutcomeStatus:
    """Return the status of an outcome, by the label in force and the time of the decision, None if that is unknown."""
    if decided_at is not None and date.fromisoformat(outcome.observed_on) < date.fromisoformat(decided_at[:10]) - GRACE:
        return "early"
    if label is not None:
        return "repeated" if label == outcome.defaulted else "conflicting"
    return "unknown" if decided_at is None else "recorded"
